/** What has passed through a socket. Of the numbers, only the difference between two looks means something. */
export interface Traffic {
  /** How many bytes have arrived, parts of a WebSocket frame too. */
  readonly arrived: number
  /** How many bytes the network has taken from the socket, also within one large write. */
  readonly taken: number
  /** Whether bytes wait because the network takes no more of them. */
  readonly isWaiting: boolean
}

/** A socket of Node, as far as it is used here. `_handle` is not documented, but Node's own idle timeout reads it too. */
interface NodeSocket {
  readonly bytesRead?: number
  /** Bytes that wait in a stream of JavaScript. */
  readonly writableLength?: number
  readonly remoteAddress?: string | undefined
  once?(event: 'connect', listener: () => void): unknown
  readonly _handle?: { readonly bytesWritten?: number; readonly writeQueueSize?: number } | null
}

/** The WebSocket of a browser, which shows nothing of a frame before it is complete. */
interface BrowserSocket {
  /** Bytes that were sent and that the network has not taken (HTML, WebSocket interface). */
  readonly bufferedAmount: number
}

/** The socket below a connection: of TCP or TLS in Node, or the WebSocket of a browser. */
export type AnySocket = NodeSocket | BrowserSocket

/** @param written - how many bytes were written so far */
export function trafficOf(socket: AnySocket, written: number): Traffic {
  if ('bufferedAmount' in socket) return traffic(0, written, socket.bufferedAmount)
  // A stream of the application need not be a socket.
  if (socket._handle === undefined) return traffic(0, written, socket.writableLength ?? 0)
  const { bytesRead = 0, _handle: handle } = socket
  return traffic(bytesRead, handle?.bytesWritten ?? 0, handle?.writeQueueSize ?? 0)
}

function traffic(arrived: number, given: number, waiting: number): Traffic {
  return { arrived, taken: given - waiting, isWaiting: waiting > 0 }
}
