import { defaultPort, referencesOf, withoutSchemeAndPath } from '../../machines/policy/server-reference.ts'
import { parseUrl } from '../shared/parse-url.ts'

/**
 * Returns the URL of the server that a Server Reference leads to, with the scheme and path of the list's entry, or the
 * entry itself if there is none.
 */
export function serverUrl(url: string, serverReference: string | null): string {
  const host = serverReference === null ? undefined : hostOf(serverReference)
  if (host === undefined) return url
  const target = new URL(url)
  // The scheme is never taken from a Server Reference: it must not lead from TLS to plain text.
  target.port = ''
  target.host = host
  return target.href
}

/** The host and port of the first server that a Server Reference names (MQTT 5 §4.11). */
export function hostOf(serverReference: string): string | undefined {
  const [first = ''] = referencesOf(serverReference)
  const host = withoutSchemeAndPath(first)
  if (host === '' || host.includes('@')) return undefined
  return parseUrl(`http://${host}`) && host
}

/** The host and port of a URL. An IPv6 address has no brackets. */
export function targetOf(url: string): { readonly host: string; readonly port: number } {
  const { protocol, hostname: host, port } = new URL(url)
  return { host: host.replaceAll(/[[\]]/g, ''), port: port === '' ? defaultPort(protocol.slice(0, -1)) : Number(port) }
}

/** Scheme, host and port of a URL, without user name, password, path and query. */
export function serverName(url: string): string {
  const { host, port } = targetOf(url)
  return `${new URL(url).protocol}//${host}:${port}`
}

/** The host name without the port. */
export function hostname(host: string): string {
  return parseUrl(`http://${host}`)?.hostname ?? ''
}
