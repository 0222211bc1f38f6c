import type { IClientOptions } from 'mqtt'
import NodeWebSocket from 'ws'

import type { AnySocket } from './traffic.ts'

type CreateWebSocket = NonNullable<IClientOptions['createWebsocket']>

/** The part of `ws` and of the browsers' WebSocket that is used here. */
interface AnyWebSocket {
  addEventListener(type: 'close', listener: (event: { readonly code: number; readonly reason: string }) => void): void
  addEventListener(type: 'error', listener: () => void): void
  /** Of `ws` only. */
  terminate?(): void
}

export interface WebSocketEvents {
  /** Called with the socket of TCP or TLS below the WebSocket; in a browser with the WebSocket. */
  readonly onSocket: (socket: AnySocket) => void
  /** Called before the client's `close`. */
  readonly onClose: (closeCode: number, reason: string) => void
}

/** Creates WebSockets as MQTT.js does, and reports their socket and the close code, which MQTT.js drops. */
export function webSocketFactory({ onSocket, onClose }: WebSocketEvents): CreateWebSocket {
  return (url, protocols, { wsOptions }) => {
    const socket: AnyWebSocket = inNode()
      ? nodeWebSocket(url, protocols, wsOptions as NodeWebSocket.ClientOptions, onSocket)
      : browserWebSocket(url, protocols, onSocket)
    socket.addEventListener('close', ({ code, reason }) => onClose(code, reason))
    // After an invalid frame, ws waits 30 s for the server to close. MQTT.js would notice nothing before that.
    socket.addEventListener('error', () => socket.terminate?.())
    return socket
  }
}

/** In a browser bundle `ws` is a stub that throws when it is called. */
function inNode(): boolean {
  return typeof process !== 'undefined' && process.versions?.node !== undefined
}

function nodeWebSocket(
  url: string,
  protocols: string[],
  options: NodeWebSocket.ClientOptions,
  onSocket: WebSocketEvents['onSocket'],
): AnyWebSocket {
  return new NodeWebSocket(url, protocols, {
    ...options,
    finishRequest: (request) => {
      request.once('socket', (socket) => onSocket(socket))
      request.end()
    },
  })
}

function browserWebSocket(url: string, protocols: string[], onSocket: WebSocketEvents['onSocket']): AnyWebSocket {
  const socket = new WebSocket(url, protocols)
  onSocket(socket)
  return socket
}
