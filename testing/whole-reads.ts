import type { Readable } from 'node:stream'

/**
 * Lets `read()` return everything that is buffered, as it does in Node up to 24. In Node 26, Bun and Deno it returns one
 * chunk, and `readable` is not emitted again for the rest. aedes reads once for each `readable`, so it would wait for bytes
 * that it has, for example if a client sends the header of a packet and its body in two WebSocket frames.
 */
export function readWhole<Stream extends Readable>(stream: Stream): Stream {
  const read = stream.read.bind(stream)
  stream.read = (size?: number | null) => {
    // The length is 0 before the first byte, when `read()` has to start the reading.
    return (size ?? undefined) === undefined && stream.readableLength > 0
      ? read(stream.readableLength)
      : read(size ?? undefined)
  }
  return stream
}
