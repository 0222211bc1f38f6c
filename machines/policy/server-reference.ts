const DEFAULT_PORTS: Readonly<Record<string, number>> = { mqtt: 1883, mqtts: 8883, ws: 80, wss: 443 }

/** @param scheme - without its colon @returns 0 for one that is not known */
export function defaultPort(scheme: string): number {
  return DEFAULT_PORTS[scheme] ?? 0
}

/** Returns the servers that a Server Reference names (MQTT 5 §4.11). */
export function referencesOf(serverReference: string): string[] {
  return serverReference.split(/\s+/).filter((each) => each !== '')
}

/**
 * Returns the server that one Server Reference leads to, for comparisons: scheme, host and port in lower case; `undefined`
 * if it names none. The scheme never comes from the reference, which must not lead from TLS to plain text.
 *
 * @param from - the server that sent it, as scheme, host and port. Without it, the result has neither a scheme nor a
 *   default port
 */
export function targetOf(reference: string, from: string | null): string | undefined {
  const host = withoutSchemeAndPath(reference.toLowerCase())
  const [, name = '', port] = /^(\[[^\]]*\]|[^:@[\]]+)(?::(\d+))?$/.exec(host) ?? []
  if (name === '') return undefined
  const bare = name.replaceAll(/[[\]]/g, '')
  const scheme = from?.split('://')[0]?.toLowerCase()
  if (scheme === undefined) return port === undefined ? bare : `${bare}:${port}`
  return `${scheme}://${bare}:${port ?? defaultPort(scheme)}`
}

/** The host and port of one Server Reference. The specification allows neither a scheme nor a path there, but some servers send them. */
export function withoutSchemeAndPath(reference: string): string {
  return reference.replace(/^[a-z][a-z0-9+.-]*:\/\//i, '').replace(/[/?#].*$/, '')
}
