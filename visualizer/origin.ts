import { parseUrl } from '../src/shared/parse-url.ts'
/**
 * Brings an origin into the form in which browsers send it (RFC 6454 §6.2): in lower case, and without the default port
 * of its scheme.
 *
 * @returns `undefined` if the value is not an origin, such as a URL with a path
 */
export function parseOrigin(text: unknown): string | undefined {
  const url = typeof text === 'string' ? parseUrl(text) : undefined
  if (!url) return undefined
  const { protocol, host, username, password, pathname, search, hash, origin } = url
  if (host === '' || host.includes('*')) return undefined
  if (`${username}${password}${search}${hash}` !== '' || !['', '/'].includes(pathname)) return undefined
  // For schemes that `URL` does not know, such as an app's `capacitor:`, it gives the origin as `null`.
  return origin === 'null' ? `${protocol}//${host}`.toLowerCase() : origin
}
