import type { IClientOptions } from 'mqtt'
import type { ClientOptions } from 'ws'

import { nodeWebSocket } from './node-web-socket.ts'
import type { AnyWebSocket, WebSocketEvents } from './web-socket-events.ts'

type CreateWebSocket = NonNullable<IClientOptions['createWebsocket']>

/** Creates WebSockets as MQTT.js does, and reports what MQTT.js drops: their socket, close code and refused upgrade. */
export function webSocketFactory(
  events: WebSocketEvents,
  create?: (url: string, protocols: string[]) => unknown,
): CreateWebSocket {
  return (url, protocols, { wsOptions }) => {
    const given = create?.(url, protocols) as AnyWebSocket | undefined
    const socket = given ?? createWebSocket(url, protocols, wsOptions as ClientOptions, events)
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
  options: ClientOptions,
  { onSocket }: WebSocketEvents,
): AnyWebSocket {
  if (nodeWebSocket) return nodeWebSocket(url, protocols, options, onSocket)
  const socket = new WebSocket(url, protocols)
  onSocket(socket)
  return socket
}

function watchForRefusal(webSocket: AnyWebSocket, { onRefused }: WebSocketEvents): void {
  webSocket.on?.('unexpected-response', (_request, { statusCode = 0, headers }) => {
    onRefused({ status: statusCode, headers })
    // With a listener, ws leaves that to us.
    webSocket.terminate?.()
  })
}
