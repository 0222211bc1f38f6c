/** The server that the option `socket` has to reach. */
export interface SocketTarget {
  /** The host of the URL: a name, which is not resolved yet, or an IP address without brackets. */
  readonly host: string
  /** The port of the URL, or the default of its scheme. */
  readonly port: number
  /**
   * Aborts when the attempt ends before the result is there: it took longer than `timeouts.connectTimeout`, or the client
   * was disconnected.
   */
  readonly signal: AbortSignal
}

/** The part of a `Duplex` of Node, such as a `net.Socket`, that is required here. */
export interface DuplexStream {
  readonly writable: boolean
  // oxlint-disable-next-line typescript/no-explicit-any -- Of all types, only `any` fits each version of @types/node.
  on(event: string, listener: (...values: any[]) => void): unknown
  write(chunk: Uint8Array): boolean
  pause(): unknown
  resume(): unknown
  destroy(error?: Error): unknown
}

/** Opens the connection below TLS, WebSocket and MQTT, for example through a proxy. */
export type SocketSource = (target: SocketTarget) => DuplexStream | Promise<DuplexStream>
