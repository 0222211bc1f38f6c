/** Key and certificate of a TLS server, PEM. */
export interface TlsCredentials {
  cert: string | Buffer
  key: string | Buffer
}
