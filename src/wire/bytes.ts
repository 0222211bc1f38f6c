/**
 * Node's `Buffer`, where there is one. Its strings are twice as fast as those of TextEncoder and TextDecoder, and applications
 * on Node get payloads that are a `Buffer`.
 */
export const NodeBuffer = typeof Buffer === 'undefined' ? undefined : Buffer

/** Bytes of any content. */
export const allocate: (size: number) => Uint8Array = NodeBuffer
  ? (size) => NodeBuffer.allocUnsafe(size)
  : (size) => new Uint8Array(size)

/** Bytes of any content that share their memory with no others. */
export const allocateAlone: (size: number) => Uint8Array = NodeBuffer
  ? (size) => NodeBuffer.allocUnsafeSlow(size)
  : (size) => new Uint8Array(size)

export const EMPTY = allocateAlone(0)
