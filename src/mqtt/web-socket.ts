import type { IClientOptions } from 'mqtt'
import NodeWebSocket from 'ws'

export type OnWebSocketClose = (closeCode: number, reason: string) => void

type CreateWebSocket = NonNullable<IClientOptions['createWebsocket']>

/** The part of `ws` and of the browsers' WebSocket that is used here. */
interface AnyWebSocket {
  addEventListener(type: 'close', listener: (event: { readonly code: number; readonly reason: string }) => void): void
  addEventListener(type: 'error', listener: () => void): void
  /** Of `ws` only. */
  terminate?(): void
}

/**
 * Creates WebSockets as MQTT.js does, and reports the close code, which MQTT.js drops.
 *
 * @param onClose - called before the client's `close`
 */
export function webSocketFactory(onClose: OnWebSocketClose): CreateWebSocket {
  return (url, protocols, { wsOptions }) => {
    const socket: AnyWebSocket = inNode()
      ? new NodeWebSocket(url, protocols, wsOptions as NodeWebSocket.ClientOptions)
      : new WebSocket(url, protocols)
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
