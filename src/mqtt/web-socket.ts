import type { IClientOptions } from 'mqtt'
import NodeWebSocket from 'ws'

import { inNode } from '../shared/in-node.ts'
import type { AnySocket } from './traffic.ts'

type CreateWebSocket = NonNullable<IClientOptions['createWebsocket']>

interface RawResponse {
  readonly statusCode?: number | undefined
  readonly headers: UpgradeResponse['headers']
}

/** The part of `ws` and of the browsers' WebSocket that is used here. */
interface AnyWebSocket {
  addEventListener(type: 'close', listener: (event: { readonly code: number; readonly reason: string }) => void): void
  addEventListener(type: 'error', listener: () => void): void
  /** Of `ws` only. */
  terminate?(): void
  on?(event: 'unexpected-response', listener: (request: unknown, response: RawResponse) => void): unknown
}

/** The answer of a server that refuses the upgrade. A browser hides it. */
export interface UpgradeResponse {
  readonly status: number
  readonly headers: {
    readonly date?: string | undefined
    readonly location?: string | undefined
    readonly 'retry-after'?: string | undefined
  }
}

export interface WebSocketEvents {
  /** Called with the socket of TCP or TLS below the WebSocket; in a browser with the WebSocket. */
  readonly onSocket: (socket: AnySocket) => void
  /** Called before the client's `close`. */
  readonly onClose: (closeCode: number, reason: string) => void
  readonly onRefused: (response: UpgradeResponse) => void
}

/** Creates WebSockets as MQTT.js does, and reports what MQTT.js drops: their socket, close code and refused upgrade. */
export function webSocketFactory(
  events: WebSocketEvents,
  create?: (url: string, protocols: string[]) => unknown,
): CreateWebSocket {
  return (url, protocols, { wsOptions }) => {
    const given = create?.(url, protocols) as AnyWebSocket | undefined
    const socket = given ?? createWebSocket(url, protocols, wsOptions as NodeWebSocket.ClientOptions, events)
    watchForRefusal(socket, events)
    socket.addEventListener('close', ({ code, reason }) => events.onClose(code, reason))
    // After an invalid frame, ws waits 30 s for the server to close. MQTT.js would notice nothing before that.
    socket.addEventListener('error', () => socket.terminate?.())
    return socket
  }
}

function createWebSocket(
  url: string,
  protocols: string[],
  options: NodeWebSocket.ClientOptions,
  { onSocket }: WebSocketEvents,
): AnyWebSocket {
  // In a browser bundle `ws` is a stub that throws when it is called.
  if (!inNode()) {
    const socket = new WebSocket(url, protocols)
    onSocket(socket)
    return socket
  }
  return new NodeWebSocket(url, protocols, {
    ...options,
    finishRequest: (request) => {
      request.once('socket', (socket) => onSocket(socket))
      request.end()
    },
  })
}

function watchForRefusal(webSocket: AnyWebSocket, { onRefused }: WebSocketEvents): void {
  webSocket.on?.('unexpected-response', (_request, { statusCode = 0, headers }) => {
    onRefused({ status: statusCode, headers })
    // With a listener, ws leaves that to us.
    webSocket.terminate?.()
  })
}
