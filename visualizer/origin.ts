/**
 * An origin as browsers write it (RFC 6454 §6.2): in lower case, and without the scheme's own port.
 *
 * @returns `undefined` for what is no origin, such as a URL with a path
 */
export function parseOrigin(text: unknown): string | undefined {
  if (typeof text !== 'string' || !URL.canParse(text)) return undefined
  const { protocol, host, username, password, pathname, search, hash, origin } = new URL(text)
  if (host === '' || host.includes('*')) return undefined
  if (`${username}${password}${search}${hash}` !== '' || !['', '/'].includes(pathname)) return undefined
  // Of schemes that it does not know, such as an app's `capacitor:`, `URL` calls every origin `null`.
  return origin === 'null' ? `${protocol}//${host}`.toLowerCase() : origin
}
