import type { AnySocket } from './traffic.ts'

/** The part of `ws` and of the browsers' WebSocket that is used here. */
export interface AnyWebSocket {
  addEventListener(type: 'close', listener: (event: { readonly code: number; readonly reason: string }) => void): void
  addEventListener(type: 'error', listener: () => void): void
  /** Of `ws` only. */
  terminate?(): void
  on?(event: 'unexpected-response', listener: (request: unknown, response: RawResponse) => void): unknown
}

interface RawResponse {
  readonly statusCode?: number | undefined
  readonly headers: UpgradeResponse['headers']
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
