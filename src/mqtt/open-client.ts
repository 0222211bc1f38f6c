import mqtt, { type IClientOptions, type MqttClient } from 'mqtt'

import { InvalidOptionError } from '../api/errors.ts'
import type { DuplexStream } from '../api/socket.ts'
import type { Lookup } from './node-module.ts'
import { connectWithPasswordAlone } from './password-alone.ts'
import { onRead, tcpSocket } from './tcp-socket.ts'

type StreamBuilder = (client: MqttClient) => MqttClient['stream']

/**
 * MQTT.js's own logger, which follows `DEBUG=mqttjs*`. MQTT.js would create one for each client, of more than 1 KiB.
 */
let log: MqttClient['log'] | undefined

export interface OpenClientOptions {
  readonly url: string
  readonly options: IClientOptions
  /** Resolves the name of the server, in Node. */
  readonly lookup: Lookup | undefined
  /** Called before anything is written. */
  readonly onStream?: (stream: MqttClient['stream']) => void
  /** Is used instead of a new socket. */
  readonly socket: DuplexStream | undefined
  /** Called with everything that arrives, until the stream is closed. */
  readonly onData: (chunk: Uint8Array) => void
}

export interface OpenedClient {
  readonly client: MqttClient
  /** Gives bytes to MQTT.js. A whole packet is handled before this returns. */
  readonly parse: (bytes: Uint8Array) => void
}

/**
 * Starts a client of MQTT.js that reads only what it is given. MQTT.js opens the stream, for TCP, TLS and WebSocket, and
 * writes its own packets to it. The bytes that arrive come to us.
 *
 * @throws {InvalidOptionError} for `mqtts:` where MQTT.js takes Node for a browser
 */
export function openClient({ url, options, lookup, socket, onStream, onData }: OpenClientOptions): OpenedClient {
  const onread = onRead(onData)
  const client = mqtt.connect(url, { ...options, ...(log && { log }), ...(onread && { onread }), manualConnect: true })
  log ??= client.log
  keepProtocol(client, url)
  const build = client['streamBuilder'] as StreamBuilder
  let parser: NodeJS.WritableStream | undefined
  let isCorked = false
  client['streamBuilder'] = (each: MqttClient) => {
    const stream = tcpSocket(each, socket, { lookup, onread }) ?? build(each)
    // MQTT.js calls this once, to connect the stream with its parser.
    stream.pipe = <Destination extends NodeJS.WritableStream>(destination: Destination) => {
      parser = destination
      // A socket with `onread` has no such event, and is read from now on.
      stream.on('data', onData)
      return destination
    }
    isCorked = stream.writableCorked > 0
    disableNagle(stream)
    onStream?.(stream)
    return stream
  }
  if (options.password !== undefined && options.username === undefined) connectWithPasswordAlone(client)
  else client.connect()
  // mqtt-packet holds CONNECT back until `process.nextTick`, which fake timers of jest stop. A stream that holds back what is
  // written by itself, as the one of MQTT.js for SOCKS, is not connected yet.
  if (!isCorked) client.stream.uncork()
  // This uncovers the method of the prototype.
  Reflect.deleteProperty(client.stream, 'pipe')
  client['streamBuilder'] = build
  return { client, parse: (bytes) => parser?.write(native(bytes)) }
}

/**
 * With a DOM in Node, as in jsdom and happy-dom, MQTT.js takes Node for a browser, and would open a WebSocket for other
 * URLs, too. This package opens TCP connections itself.
 */
function keepProtocol({ options }: MqttClient, url: string): void {
  if (url.startsWith('ws') || !options.protocol?.startsWith('ws')) return
  // A key and a certificate turn `mqtt` into `mqtts`.
  if (options.protocol === 'wss') {
    throw new InvalidOptionError('url', 'must begin with mqtt:, ws: or wss: with a DOM in Node', new URL(url).protocol)
  }
  options.protocol = 'mqtt'
}

/** The bytes as MQTT.js's build for browsers takes them: in jest-environment-jsdom, those of Node have another prototype. */
function native(bytes: Uint8Array): Uint8Array {
  return bytes instanceof Uint8Array ? bytes : new Uint8Array(bytes)
}

/**
 * Packets are gathered before they are written. Nagle's algorithm would gather no more of them, and would delay the
 * second of two small writes until the broker has acknowledged the first, for up to 40 ms.
 */
function disableNagle(stream: MqttClient['stream']): void {
  const socket: { setNoDelay?: (noDelay: boolean) => void } = stream as object
  socket.setNoDelay?.(true)
}
