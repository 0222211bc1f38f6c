import type { Duplex } from 'node:stream'

import type { Listener, ListenHandlers } from './listener.ts'
import { MemorySocket } from './memory-socket.ts'

/** Accepts connections in memory. */
export interface MemoryListener extends Listener {
  /** Opens a connection. @returns the client's end of it */
  connect(): Duplex
}

/** Accepts MQTT in memory: without ports, and without time that passes. */
export function listenInMemory(handlers: ListenHandlers): MemoryListener {
  const sockets = new Set<MemorySocket>()
  return {
    port: 0,
    sockets,
    connect() {
      const [client, raw] = MemorySocket.pair()
      sockets.add(raw)
      raw.once('close', () => sockets.delete(raw))
      raw.on('error', (error) => handlers.fault?.(raw, error))
      raw.once('end', () => handlers.fault?.(raw, 'end'))
      if (handlers.accept?.(raw) === false) raw.resume()
      else handlers.open({ stream: raw }, raw)
      return client
    },
    close() {
      for (const socket of sockets) socket.destroy()
      return Promise.resolve()
    },
  }
}
