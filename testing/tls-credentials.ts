/** The key and certificate of a TLS server, in PEM format. */
export interface TlsCredentials {
  cert: string | Buffer
  key: string | Buffer
}
