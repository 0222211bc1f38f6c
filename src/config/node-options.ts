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
