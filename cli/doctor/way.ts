import { connect, type Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls'

import type { Failure } from '../../machines/failure.ts'
import type { TlsOptions } from '../../src/api/options.ts'
import { fromError } from '../../src/mqtt/failures.ts'
import { targetOf } from '../../src/mqtt/server-url.ts'
import type { TlsFiles } from '../connection.ts'
import { type Lab, within } from './lab.ts'

export type Scheme = 'mqtt' | 'mqtts' | 'ws' | 'wss'

/** The server of a URL. */
export interface Target {
  readonly scheme: Scheme
  /** An IPv6 address has no brackets. */
  readonly host: string
  readonly port: number
  /** The path of a WebSocket, with its query. */
  readonly path: string
  readonly tls: TlsOptions
  /** The paths of the files with `tls`, as far as they are known. */
  readonly tlsFiles?: TlsFiles
}

/** The way to one address of the server. */
export interface Way extends Target {
  readonly address: string
}

export type Outcome<Value> = { readonly value: Value } | { readonly failure: Failure }

/** Timeouts of a step. */
export const TIMED_OUT: Failure = { kind: 'timeout', phase: 'connect' }

/** Opens TCP to one address. */
export async function openTcp(lab: Lab, { address, port }: Pick<Way, 'address' | 'port'>): Promise<Outcome<Socket>> {
  const socket = connect({ host: address, port, noDelay: true })
  lab.opened(socket)
  const connected = new Promise<Outcome<Socket>>((resolve) => {
    socket.once('connect', () => resolve({ value: socket }))
    socket.once('error', (error) => resolve({ failure: fromError(error, 'mqtt') }))
  })
  // Later errors are followed by a `close`.
  socket.on('error', () => {})
  const outcome = await within(lab, `TCP to ${inUrl(address)}:${port}`, lab.patience, connected)
  if (!outcome || 'failure' in outcome) socket.destroy()
  return outcome ?? { failure: TIMED_OUT }
}

export interface HandshakeOptions extends ConnectionOptions {
  /** Gets the bytes that the server sends. */
  readonly tap?: (bytes: Buffer) => void
}

/** Opens TLS over TCP. Without `options`, as the client does it: verified, with its client certificate. */
export async function openTls(lab: Lab, way: Way, options?: HandshakeOptions): Promise<Outcome<TLSSocket>> {
  const tcp = await openTcp(lab, way)
  if ('failure' in tcp) return tcp
  const { tap, ...rest }: HandshakeOptions = options ?? tlsOptions(way)
  let socket: TLSSocket
  try {
    const below = tap ? tapped(tcp.value, tap) : tcp.value
    socket = connectTls({ ...rest, socket: below, host: way.host, ...serverName(way) })
  } catch (error) {
    tcp.value.destroy()
    return { failure: fromError(error as Error, 'mqtts') }
  }
  lab.opened(socket)
  const secure = new Promise<Outcome<TLSSocket>>((resolve) => {
    socket.once('secureConnect', () => resolve({ value: socket }))
    socket.once('error', (error) => resolve({ failure: fromError(error, 'mqtts') }))
    socket.once('close', () => resolve({ failure: { kind: 'closed', beforeConnack: true } }))
  })
  socket.on('error', () => {})
  const outcome = await within(lab, `the TLS handshake with ${way.host}`, lab.patience, secure)
  if (!outcome || 'failure' in outcome) {
    socket.destroy()
    tcp.value.destroy()
  }
  return outcome ?? { failure: TIMED_OUT }
}

/** Opens TCP, and TLS if the scheme says so. */
export function openStream(lab: Lab, way: Way): Promise<Outcome<Duplex>> {
  return isSecure(way) ? openTls(lab, way) : openTcp(lab, way)
}

export function isSecure({ scheme }: Pick<Target, 'scheme'>): boolean {
  return scheme === 'mqtts' || scheme === 'wss'
}

export function isWebSocket({ scheme }: Pick<Target, 'scheme'>): boolean {
  return scheme === 'ws' || scheme === 'wss'
}

/** Host and port as in a URL. */
export function inUrl(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}

/** Reads the server out of a URL that has been checked. */
export function targetFor(url: string, tls: TlsOptions): Target {
  const { protocol, pathname, search } = new URL(url)
  return { scheme: protocol.slice(0, -1) as Scheme, ...targetOf(url), path: pathname + search || '/', tls }
}

/** The URL of a target, without user name, password and query. */
export function urlOf(target: Target, change: Partial<Pick<Target, 'scheme' | 'path'>> = {}): string {
  const { scheme, host, port, path } = { ...target, ...change }
  const shown = isWebSocket({ scheme }) ? path.replace(/\?.*$/, '') : ''
  return `${scheme}://${inUrl(host)}:${port}${shown === '/' ? '' : shown}`
}

function tlsOptions({ tls, scheme }: Way): ConnectionOptions {
  const { servername: _, ALPNProtocols, ...rest } = tls
  // A WebSocket of `ws` offers HTTP/1.1 and no other protocol.
  const alpn = scheme === 'wss' ? ['http/1.1'] : ALPNProtocols
  return { ...rest, ...(alpn && { ALPNProtocols: [...alpn] }) } as ConnectionOptions
}

/** The same stream, whose received bytes are also given to `tap`: TLS takes them from a socket without any event. */
function tapped(socket: Socket, tap: (bytes: Buffer) => void): Duplex {
  const stream = new Duplex({
    read: () => socket.resume(),
    write: (chunk: Buffer, _encoding, done) => void socket.write(chunk, (error) => done(error)),
    final: (done) => void socket.end(done),
    destroy: (error, done) => {
      socket.destroy()
      done(error)
    },
  })
  socket.on('data', (bytes: Buffer) => {
    tap(bytes)
    stream.push(bytes)
  })
  socket.once('end', () => stream.push(null))
  socket.once('error', (error) => stream.destroy(error))
  return stream
}

/** TLS has no server name that is an address (RFC 6066 §3). */
function serverName({ host, tls }: Way): { readonly servername: string } {
  const name = tls.servername ?? host
  return { servername: /^[\d.]+$|:/.test(name) ? '' : name }
}
