import { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { type DetailedPeerCertificate, rootCertificates, type TLSSocket } from 'node:tls'

import type { TlsOptions } from '../../../src/api/options.ts'
import { shortLine } from '../../../src/shared/safe-text.ts'
import type { Target } from '../way.ts'

/** What a certificate says. Times are in milliseconds since 1970. */
export interface Certificate {
  readonly subject: string
  readonly issuer: string
  /** The names for which it is valid, without their types. */
  readonly names: readonly string[]
  readonly from: number
  readonly until: number
  /** Whether it is valid for the host of the URL. Set for the certificate of the server itself. */
  readonly isForHost?: boolean
}

/** A server may send any number of certificates. */
const LONGEST_CHAIN = 10

/** The certificates of a server, its own first. */
export function chainOf(socket: TLSSocket, { host, tls }: Pick<Target, 'host' | 'tls'>): readonly Certificate[] {
  const chain: Certificate[] = []
  let next: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true)
  const seen = new Set<string>()
  while (next?.raw && !seen.has(next.fingerprint256) && chain.length < LONGEST_CHAIN) {
    seen.add(next.fingerprint256)
    const certificate = read(next.raw)
    const isOwn = chain.length === 0
    if (certificate) chain.push({ ...certificate, ...(isOwn && { isForHost: fits(next.raw, tls.servername ?? host) }) })
    next = next.issuerCertificate
  }
  return chain
}

/**
 * Whether the issuer of the chain is one of the CAs that are trusted. Node reports one fault of a certificate only: that it
 * has expired, for example, and not that its CA is unknown as well.
 *
 * @param ca - of the options; without it, those of Node
 */
export function isIssuerKnown(socket: TLSSocket, ca: TlsOptions['ca']): boolean {
  let top: DetailedPeerCertificate = socket.getPeerCertificate(true)
  const seen = new Set<string>()
  while (top.issuerCertificate && !seen.has(top.fingerprint256)) {
    seen.add(top.fingerprint256)
    top = top.issuerCertificate
  }
  const last = new X509Certificate(top.raw)
  const trusted =
    ca === undefined
      ? rootCertificates
      : [ca].flat<(string | Uint8Array | readonly (string | Uint8Array)[])[]>().flatMap(inPem)
  return trusted.some((each) => {
    const authority = new X509Certificate(each)
    return authority.fingerprint256 === last.fingerprint256 || last.checkIssued(authority)
  })
}

/** The certificates of a file, which may hold several. */
function inPem(file: string | Uint8Array): (string | Uint8Array)[] {
  return (
    Buffer.from(file as Uint8Array)
      .toString('latin1')
      .match(/-----BEGIN [^]+?-----END [^\n]+/g) ?? [file]
  )
}

/** @param certificate - PEM or DER @returns `undefined` if it is none */
export function read(certificate: string | Uint8Array): Certificate | undefined {
  try {
    const { subject, issuer, subjectAltName, validFrom, validTo } = new X509Certificate(certificate)
    return {
      subject: nameIn(subject),
      issuer: nameIn(issuer),
      names: (subjectAltName ?? '')
        .split(', ')
        .flatMap((each) => /^(?:DNS|IP Address):(.+)$/.exec(each)?.[1] ?? [])
        .map((name) => shortLine(name)),
      from: Date.parse(validFrom),
      until: Date.parse(validTo),
    }
  } catch {
    return undefined
  }
}

function fits(certificate: Buffer, host: string): boolean {
  const x509 = new X509Certificate(certificate)
  return (isIP(host) ? x509.checkIP(host) : x509.checkHost(host)) !== undefined
}

/** The common name, or all of a distinguished name that has none. */
function nameIn(distinguishedName: string | undefined): string {
  return shortLine(/^CN=(.+)$/m.exec(distinguishedName ?? '')?.[1] ?? (distinguishedName ?? '').replaceAll('\n', ', '))
}
