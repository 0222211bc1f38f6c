import { certificateFault } from '../../../machines/policy/certificate-fault.ts'
import { describeTls } from '../../../src/api/describe-tls.ts'
import { count } from '../../count.ts'
import { fault, type Finding, note, ok, warning } from '../finding.ts'
import type { Target } from '../way.ts'
import { date, inWords, span } from '../words.ts'
import type { Certificate } from './certificate.ts'
import type { TlsMeasurement } from './measure.ts'

const DAY = 86_400_000

/** A certificate that is valid for so long is not near its end; one that was issued for days gets a third of its time. */
const SOON = 14 * DAY

/** @param now - in milliseconds since 1970 */
export function tlsFindings(target: Target, measured: TlsMeasurement, now: number): readonly Finding[] {
  const { chain, failure } = measured
  const [leaf] = chain
  const trust = [...dateFaults(chain, now), ...nameFaults(target, leaf), ...trustFaults(target, measured)]
  const isVerified = target.tls.rejectUnauthorized !== false
  const faults = isVerified ? trust : trust.map(tolerated)
  const own = ownFindings(target, measured, now)
  const hasCause = trust.length > 0 || own.some(({ level }) => level === 'fault')
  return [
    ...handshake(measured, isVerified),
    ...(leaf ? [describeChain(chain, now)] : []),
    ...faults,
    ...soon(chain, now),
    ...(isVerified ? [] : [unverified(target)]),
    ...own,
    ...(failure && !hasCause ? [failed(measured)] : []),
  ]
}

/** Whether a client with these options gets through the handshake. */
export function isThrough({ tls }: Target, { failure, isLate, distrust }: TlsMeasurement): boolean {
  if (!failure) return true
  return tls.rejectUnauthorized === false && distrust !== undefined && !isLate
}

function handshake({ version, cipher, time, failure }: TlsMeasurement, isVerified: boolean): Finding[] {
  if (version === undefined) return []
  const text = `The server speaks ${version} (${cipher}); the handshake takes ${span(time)}.`
  return [failure && isVerified ? note('tls', 'version', text) : ok('tls', text)]
}

function describeChain(chain: readonly Certificate[], now: number): Finding {
  const [leaf] = chain as readonly [Certificate]
  const days = Math.floor((leaf.until - now) / DAY)
  const issuers = [...new Set(chain.map(({ issuer }) => issuer))].join(', which is issued by ')
  const names = leaf.names.length > 0 ? listed(leaf.names) : leaf.subject
  const ends = days >= 0 ? `expires in ${count(days, 'day')}` : `has expired`
  return note(
    'tls',
    'chain',
    `The certificate is for ${names}, is issued by ${issuers}, and ${ends} (${date(leaf.until)}).`,
  )
}

function dateFaults(chain: readonly Certificate[], now: number): Finding[] {
  return chain.flatMap(({ subject, from, until }, index) => {
    const which = index === 0 ? 'The certificate of the server' : `The certificate of the CA ${subject}, in the chain,`
    if (until < now) {
      const ago = Math.floor((now - until) / DAY)
      return fault(
        'tls',
        'expired',
        `${which} expired ${count(ago, 'day')} ago (${date(until)}), by the clock of this device.`,
        'Renew it on the server, and restart or reload what ends TLS there. If this device has a wrong date, correct that.',
      )
    }
    if (from <= now) return []
    return fault(
      'tls',
      'not-yet-valid',
      `${which} is valid from ${date(from)} on, and the clock of this device says ${date(now)}: it is slow, or the certificate was made for later.`,
      'Set the clock of this device, for example by NTP.',
    )
  })
}

function nameFaults({ host, tls }: Target, leaf: Certificate | undefined): Finding[] {
  if (!leaf || leaf.isForHost !== false) return []
  const name = tls.servername ?? host
  const names = leaf.names.length > 0 ? listed(leaf.names) : `${leaf.subject}, and has no Subject Alternative Name`
  const [first = leaf.subject] = leaf.names
  return [
    fault(
      'tls',
      'wrong-name',
      `The certificate of the server is not for ${name}. It is for ${names}.`,
      `Use a name of the certificate in the URL. If this is the right server, options.tls.servername: '${first}' verifies it for that name.`,
    ),
  ]
}

type Distrust = readonly [name: string, text: string, remedy: string]

/** By the codes of OpenSSL. `ca` is the place of the CAs that were given; without it, those of Node are trusted. */
const codes: Readonly<Record<string, (ca: string | undefined) => Distrust>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: (ca) => [
    'self-signed',
    `The certificate of the server is signed by itself, ${ca ? `and is not in ${ca}` : 'so no CA vouches for it'}`,
    `Give the file of this certificate with --ca, and in options.tls.ca${ca ? `, instead of ${ca}` : ''}. Get it from the operator of the broker, not over this connection.`,
  ],
  SELF_SIGNED_CERT_IN_CHAIN: (ca) => [
    'unknown-ca',
    `The certificate of the server is ${ca ? `not from a CA in ${ca}` : 'issued by a CA that this device does not know: a private one'}`,
    rightFile(ca),
  ],
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: (ca) => [
    'incomplete-chain',
    ca
      ? `The certificate of the server is not from a CA in ${ca}, and the server does not send that of its issuer`
      : 'The server sends its own certificate without that of its issuer, and this device does not know the issuer',
    ca
      ? `${rightFile(ca)} If ${ca} is of the right CA, let the server send the whole chain${CHAIN}.`
      : `Let the server send the whole chain${CHAIN}. If the CA is a private one, give its file with --ca, and in options.tls.ca.`,
  ],
  UNABLE_TO_GET_ISSUER_CERT: (ca) => [
    'unknown-ca',
    `The chain of the server ends at a CA that ${ca ? `is not in ${ca}` : 'this device does not know'}`,
    rightFile(ca),
  ],
  CERT_REVOKED: () => ['revoked', 'The certificate of the server was revoked', 'Get a new one for the server.'],
}

const CHAIN = ' (its certificate, followed by the intermediate ones)'

function rightFile(ca: string | undefined): string {
  if (ca === undefined) return 'Give the file of that CA with --ca, and in options.tls.ca.'
  return `Give the file of the CA that has issued it with --ca, and in options.tls.ca, instead of ${ca}.`
}

/** Whether none of the CAs that are trusted has issued the certificate of the server. */
export function isOfUnknownCa({ distrust, isUnknownCa }: TlsMeasurement): boolean {
  if (isUnknownCa === true) return true
  return distrust !== undefined && certificateFault({ kind: 'tls', code: distrust, message: '' }) === 'unknown-ca'
}

/** Codes that have a finding of their own. */
const SHOWN = new Set(['CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID', 'ERR_TLS_CERT_ALTNAME_INVALID', 'HOSTNAME_MISMATCH'])

function trustFaults({ tls, tlsFiles }: Target, { distrust: seen, isUnknownCa, chain }: TlsMeasurement): Finding[] {
  const distrust = isUnknownCa ? 'UNABLE_TO_GET_ISSUER_CERT' : seen
  if (distrust === undefined || SHOWN.has(distrust)) return []
  const issuer = chain.at(-1)?.issuer
  const seenAs = [isUnknownCa ? undefined : distrust, issuer && `issuer: ${issuer}`].filter(Boolean).join(', ')
  const code = distrust === 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY' ? 'UNABLE_TO_GET_ISSUER_CERT' : distrust
  const ca = tls.ca === undefined ? undefined : (tlsFiles?.ca ?? 'options.tls.ca')
  const [name, text, remedy] = codes[code]?.(ca) ?? [
    'not-trusted',
    'The certificate of the server is not accepted',
    'Look the code up in the manual of OpenSSL (X509_V_ERR_…), and mend the certificate of the server.',
  ]
  return [fault('tls', name, `${text} (${seenAs}).`, remedy)]
}

function tolerated(finding: Finding): Finding {
  return note(
    'tls',
    finding.code.replace(/^tls\./, ''),
    `${finding.text} This is not checked, because verification is off.`,
  )
}

function unverified({ tls: { ca } }: Target): Finding {
  const authority = ca === undefined ? 'give the CA of the server with --ca, if it is a private one, and ' : ''
  return warning(
    'tls',
    'unverified',
    'The certificate of the server is not verified: anyone on the way can read and change everything, also the password.',
    `Verify it: ${authority}remove --insecure, or rejectUnauthorized: false.`,
  )
}

function soon(chain: readonly Certificate[], now: number): Finding[] {
  return chain
    .filter(({ from, until }) => until >= now && until - now < Math.min(SOON, (until - from) / 3))
    .map(({ subject, until }) => {
      const days = Math.floor((until - now) / DAY)
      return warning(
        'tls',
        'expires-soon',
        `The certificate of ${subject} expires in ${count(days, 'day')} (${date(until)}), and no renewal has come yet.`,
        'Renew it on the server, and restart or reload what ends TLS there. Check that the automatic renewal runs.',
      )
    })
}

/** About the client certificate. */
function ownFindings({ tls }: Target, measured: TlsMeasurement, now: number): Finding[] {
  const { own, asksForCertificate: asks, failure, isLate } = measured
  const given = tls.cert !== undefined
  const findings: Finding[] = []
  if (own && own.until < now) {
    const text = `The client certificate ${own.subject} has expired (${date(own.until)}).`
    findings.push(fault('tls', 'own-expired', text, 'Get a new one from the operator of the broker.'))
  } else if (own && own.until - now < Math.min(SOON, (own.until - own.from) / 3)) {
    const text = `The client certificate ${own.subject} expires soon (${date(own.until)}).`
    findings.push(
      warning(
        'tls',
        'own-expires-soon',
        text,
        'Get a new one. The client reads its options again if they are a function.',
      ),
    )
  }
  const refusal = failure?.kind === 'tls' ? describeTls(failure) : ''
  const isRefused = failure !== undefined && (isLate || (asks === true && measured.distrust === undefined))
  if (isLate && asks === undefined && failure?.kind !== 'tls') {
    findings.push(
      fault(
        'tls',
        'closed',
        `The server ends the connection just after the handshake, without saying why: it wants ${given ? 'another' : 'a'} client certificate, or it is a proxy whose backend is down.`,
        'Look at the log of what ends TLS on this port, and at the backends of proxies in front of the broker.',
      ),
    )
  } else if (isRefused && !given) {
    findings.push(
      fault(
        'tls',
        'certificate-wanted',
        `The server asks for a client certificate, and ends the connection without one (${refusal || inWords(failure)}).`,
        'Give a certificate that the broker knows: --cert and --key, options.tls.cert and options.tls.key.',
      ),
    )
  } else if (isRefused) {
    findings.push(
      fault(
        'tls',
        'certificate-refused',
        `The server does not accept the client certificate of ${own?.subject ?? 'the given file'}, issued by ${own?.issuer ?? 'an unknown CA'} (${refusal || inWords(failure)}).`,
        'Use a certificate of the CA that the broker trusts for clients, or add its CA there.',
      ),
    )
  } else if (given && asks === false) {
    const text = 'The server does not ask for a client certificate, so the given one is not used.'
    findings.push(note('tls', 'certificate-unused', text))
  } else if (given && !failure) {
    findings.push(ok('tls', 'The server accepts the client certificate.'))
  } else if (asks === true && !given) {
    findings.push(
      note('tls', 'certificate-optional', 'The server asks for a client certificate, and goes on without one.'),
    )
  } else if (asks === false) {
    findings.push(note('tls', 'no-certificate-wanted', 'The server asks for no client certificate.'))
  }
  return findings
}

/** A handshake that failed for another reason than certificates. */
function failed({ failure, oldVersion }: TlsMeasurement): Finding {
  if (oldVersion !== undefined) {
    return fault(
      'tls',
      'old-version',
      `The server speaks ${oldVersion} and nothing newer, which Node refuses.`,
      'Turn TLS 1.2 or 1.3 on at the server.',
    )
  }
  const text = failure ? inWords(failure) : ''
  return fault(
    'tls',
    'handshake',
    `The TLS handshake fails: ${text}.`,
    'See which server ends TLS on this port, and its log: it says why it ends the handshake.',
  )
}

/** A certificate may have a hundred names. */
function listed(names: readonly string[]): string {
  const more = names.length - MOST_NAMES
  return more > 0 ? `${names.slice(0, MOST_NAMES).join(', ')} and ${more} more` : names.join(', ')
}

const MOST_NAMES = 10
