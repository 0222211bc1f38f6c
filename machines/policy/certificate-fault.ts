import type { Failure } from '../failure.ts'

/** Why the certificate of a server was not accepted. Another attempt does not change it. */
export type CertificateFault = 'expired' | 'wrong-name' | 'unknown-ca'

/** Codes of Node, which OpenSSL names X509_V_ERR_…. A certificate that is not valid yet often means a wrong clock. */
const faults: Readonly<Record<string, CertificateFault>> = {
  CERT_HAS_EXPIRED: 'expired',
  ERR_TLS_CERT_ALTNAME_INVALID: 'wrong-name',
  HOSTNAME_MISMATCH: 'wrong-name',
  CERT_UNTRUSTED: 'unknown-ca',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'unknown-ca',
  SELF_SIGNED_CERT_IN_CHAIN: 'unknown-ca',
  UNABLE_TO_GET_ISSUER_CERT: 'unknown-ca',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'unknown-ca',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'unknown-ca',
}

/** Returns what is wrong with the certificate of the server, if that is the failure. */
export function certificateFault({
  code = '',
}: Extract<Failure, { readonly kind: 'tls' }>): CertificateFault | undefined {
  return Object.hasOwn(faults, code) ? faults[code] : undefined
}
