import type { MqttClient } from 'mqtt'

import type { DuplexStream } from '../api/socket.ts'
import { type Lookup, nodeModule, type OnRead } from './node-module.ts'

/** As much as Node reads at once, in bytes. */
const MOST_READ = 65_536

/** One for all sockets: what was read is copied before anything else is read. */
let buffer: Uint8Array | undefined

/**
 * The option `onread` of a socket, for TCP and TLS. Without it, Node allocates 64 KiB for each read, shrinks them to what
 * arrived, and passes that through a stream. When messages arrive one by one, this costs more than half of what reading
 * them costs.
 *
 * @returns `undefined` in a browser, and on Windows, where the system fills the buffers of all sockets at the same time
 */
export function onRead(onData: (chunk: Uint8Array) => void): OnRead | undefined {
  const Buffer = nodeModule('buffer')?.Buffer
  if (!Buffer || process.platform === 'win32') return undefined
  buffer ??= Buffer.allocUnsafeSlow(MOST_READ)
  return {
    buffer,
    callback: (size, read) => {
      const chunk = Buffer.allocUnsafe(size)
      chunk.set(size === read.length ? read : read.subarray(0, size))
      onData(chunk)
      return true
    },
  }
}

/**
 * The socket of a connection without TLS: the provided one, or a new one. MQTT.js would open it in the same way, but would
 * pass on neither `lookup` nor `onread`.
 *
 * @returns `undefined` if MQTT.js has to open the stream
 */
export function tcpSocket(
  { options }: MqttClient,
  provided: DuplexStream | undefined,
  { lookup, onread }: { readonly lookup: Lookup | undefined; readonly onread: OnRead | undefined },
): MqttClient['stream'] | undefined {
  if (options.protocol !== 'mqtt') return undefined
  options.port ||= 1883
  if (provided) return provided as MqttClient['stream']
  const { host = 'localhost', port } = options
  return nodeModule('net')?.connect({ host, port, ...(lookup && { lookup }), ...(onread && { onread }) })
}
