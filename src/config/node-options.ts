import { X509Certificate } from 'node:crypto'

/**
 * The options of Node and of `ws` for which we have no rule, listed so that they do not count as typos. A bundler for
 * browsers, where they have no effect, takes `node-options.browser.ts` instead: see `browser` in package.json.
 */
export const nodeOptions: { readonly tls: readonly string[]; readonly ws: readonly string[] } | undefined = {
  /** Of `tls.connect`, `tls.createSecureContext` and `net.connect`. */
  tls: (
    'ALPNCallback SNICallback allowPartialTrustChain autoSelectFamily autoSelectFamilyAttemptTimeout ' +
    'checkServerIdentity ciphers clientCertEngine crl dhparam ecdhCurve enableTrace family highWaterMark hints ' +
    'honorCipherOrder host keepAlive keepAliveInitialDelay localAddress localPort lookup maxVersion minDHSize noDelay ' +
    'path port privateKeyEngine privateKeyIdentifier pskCallback requestOCSP secureContext secureOptions ' +
    'secureProtocol session sessionIdContext server sessionTimeout sigalgs signal socket ticketKeys timeout'
  ).split(' '),
  /** Of `ws` and `http.request`. */
  ws: (
    'allowSynchronousEvents auth autoPong closeTimeout createConnection defaultPort finishRequest followRedirects ' +
    'generateMask handshakeTimeout insecureHTTPParser joinDuplicateHeaders maxHeaderSize maxPayload maxRedirects ' +
    'method origin protocol protocolVersion setHost skipUTF8Validation socketPath'
  ).split(' '),
}

/**
 * Returns when a client certificate expires, in milliseconds since 1970. Of a chain that is the certificate at its top, which
 * is the client's own.
 *
 * @returns `undefined` if that cannot be read
 */
export function certificateExpiry(cert: unknown): number | undefined {
  const [first] = [cert].flat() as (string | Uint8Array | undefined)[]
  if (first === undefined) return undefined
  try {
    return Date.parse(new X509Certificate(first).validTo)
  } catch {
    return undefined
  }
}
