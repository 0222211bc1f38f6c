import type { TLSSocket } from 'node:tls'

import type { Failure } from '../../../machines/failure.ts'
import { fromError } from '../../../src/mqtt/failures.ts'
import { type Lab, within } from '../lab.ts'
import { openTls, type Outcome, type Way } from '../way.ts'
import { type Certificate, chainOf, isIssuerKnown, read } from './certificate.ts'
import { readFlight, type ServerFlight } from './server-flight.ts'

export interface TlsMeasurement extends ServerFlight {
  /** Why the handshake of the client failed: with verification, and with its client certificate. */
  readonly failure?: Failure
  /** Whether the server ended the connection just after the handshake, as TLS 1.3 refuses client certificates. */
  readonly isLate?: boolean
  /** In milliseconds. */
  readonly time: number
  readonly version?: string
  readonly cipher?: string
  readonly chain: readonly Certificate[]
  /** Why the certificate of the server is not accepted: a code of OpenSSL or Node. */
  readonly distrust?: string
  /** Set if its CA is unknown as well. */
  readonly isUnknownCa?: true
  /** The client certificate. */
  readonly own?: Certificate
}

/** How long after the handshake a server may refuse a client certificate, beyond a round trip: a share of the patience. */
const LATE = 0.03

/** What hides that the CA is unknown. */
const DATES = new Set(['CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID'])

/** Nothing is verified, so nothing secret may be sent: neither a client certificate nor a CONNECT. */
function unverified({ tls: { ca } }: Way) {
  return { rejectUnauthorized: false, ...(ca !== undefined && { ca: ca as string }) }
}

/** Does the handshake as the client does it, and finds out what is wrong if it fails. */
export async function measureTls(lab: Lab, way: Way): Promise<TlsMeasurement> {
  const start = lab.clock.now()
  const outcome = await openTls(lab, { ...way, tls: { ...way.tls, rejectUnauthorized: true } })
  const time = lab.clock.now() - start
  const own = way.tls.cert === undefined ? undefined : read(way.tls.cert)
  const known = { time, ...(own && { own }) }
  if ('failure' in outcome) return { ...known, ...(await explain(lab, way, outcome.failure)) }
  const { value: socket } = outcome
  const seen = { ...versionOf(socket), chain: chainOf(socket, way) }
  const ending = await lateFailure(lab, socket, time)
  socket.destroy()
  const flight = await measureFlight(lab, way)
  // A proxy whose backend is down ends it, too. Only an alert, or a wish for a certificate, is about TLS.
  const isAboutTls = ending?.kind === 'tls' || flight.asksForCertificate !== false
  const late = isAboutTls && ending
  return { ...known, ...seen, ...(late && { failure: late, isLate: true }), ...flight }
}

/** Repeats a handshake that failed, in ways that tell why. */
async function explain(lab: Lab, way: Way, failure: Failure): Promise<Omit<TlsMeasurement, 'time'>> {
  const outcome = await openTls(lab, way, unverified(way))
  if ('value' in outcome) {
    const { value: socket } = outcome
    const chain = chainOf(socket, way)
    // A code, although Node's types say that it is an error.
    const distrust = String(socket.authorizationError ?? '')
    const version = versionOf(socket)
    const isUnknownCa = DATES.has(distrust) && !isIssuerKnown(socket, way.tls.ca) && { isUnknownCa: true as const }
    socket.destroy()
    return {
      failure,
      chain,
      ...version,
      ...(distrust !== '' && { distrust }),
      ...isUnknownCa,
      ...(await measureFlight(lab, way)),
    }
  }
  return { failure, chain: [], ...(await measureFlight(lab, way)) }
}

/** What the server sends after the handshake to end it. */
async function lateFailure(lab: Lab, socket: TLSSocket, roundTrip: number): Promise<Failure | undefined> {
  const ended = new Promise<Failure>((resolve) => {
    socket.once('error', (error) => resolve(fromError(error, 'mqtts')))
    socket.once('end', () => resolve({ kind: 'closed', beforeConnack: true }))
    socket.once('close', () => resolve({ kind: 'closed', beforeConnack: true }))
  })
  socket.resume()
  return within(lab, 'the answer to the client certificate', LATE * lab.patience + roundTrip, ended)
}

/** A handshake of TLS 1.2, whose first messages are not encrypted. */
async function measureFlight(lab: Lab, way: Way): Promise<ServerFlight> {
  let bytes = Buffer.alloc(0)
  const tap = (chunk: Buffer) => (bytes = Buffer.concat([bytes, chunk]))
  close(await openTls(lab, way, { ...unverified(way), maxVersion: 'TLSv1.2', tap }))
  return readFlight(bytes)
}

function close(outcome: Outcome<TLSSocket>): void {
  if ('value' in outcome) outcome.value.destroy()
}

function versionOf(socket: TLSSocket): { readonly version?: string; readonly cipher?: string } {
  const version = socket.getProtocol()
  return { ...(version !== null && { version }), cipher: socket.getCipher().name }
}
