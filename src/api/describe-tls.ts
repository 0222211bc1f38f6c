import type { Failure } from '../../machines/failure.ts'
import { certificateFault, type CertificateFault } from '../../machines/policy/certificate-fault.ts'

type TlsFailure = Extract<Failure, { readonly kind: 'tls' }>

/** The alerts of a server, by their names in OpenSSL (RFC 8446 §6.2). */
const alerts = {
  'certificate required': 'the server requires a client certificate',
  'certificate expired': 'the server refused our client certificate, because it has expired',
  'certificate revoked': 'the server refused our client certificate, because it was revoked',
  'unsupported certificate': 'the server refused our client certificate, because it does not support its type',
  'bad certificate': 'the server refused our client certificate, or it requires one',
  'certificate unknown': 'the server refused our client certificate',
  'unknown ca': 'the server refused our client certificate, because it does not know its CA',
  'access denied': 'the server knows our client certificate, and denies access',
  'handshake failure':
    'the server refused the TLS handshake: it may require a client certificate, or share no cipher or TLS version with us',
  'protocol version': 'the server refused our version of TLS',
  'unrecognized name': 'the server has no certificate for this host name (SNI)',
  'no application protocol': 'the server speaks none of our ALPNProtocols',
} as const

const faults = {
  expired: () => 'the certificate of the server has expired',
  'wrong-name': (message) => `the certificate of the server is for another name (${message})`,
  'unknown-ca': (message) =>
    `the certificate of the server is from an unknown CA (${message}): if it is yours, give its certificate by the option ca`,
} as const satisfies Record<CertificateFault, (message: string) => string>

/** Other errors of our side, by their codes in Node. */
const codes: Readonly<Record<string, string>> = {
  CERT_NOT_YET_VALID: 'the certificate of the server is not valid yet: the clock of this device may be wrong',
  CERT_REVOKED: 'the certificate of the server was revoked',
}

/** What OpenSSL says about an answer that is not TLS. */
const NOT_TLS = ['wrong version number', 'packet length too long', 'record layer failure', 'http request']

/** Describes a TLS failure in words. The same cause always gives the same text. */
export function describeTls(failure: TlsFailure): string {
  const { code = '', message } = failure
  const fault = certificateFault(failure)
  const known = fault ? faults[fault](message) : codes[code]
  if (known) return known
  // The error has the name in its code or, if its code is EPROTO, only in its message.
  const said = `${code.replaceAll('_', ' ')} ${message}`.toLowerCase()
  if (NOT_TLS.some((each) => said.includes(each))) {
    return `the server does not speak TLS on this port (${message}): the port or the scheme of the URL may be wrong`
  }
  const isAlert = said.includes('alert') || said.includes('unrecognized name')
  const alert = isAlert && Object.entries(alerts).find(([name]) => said.includes(name))?.[1]
  return alert || message
}
