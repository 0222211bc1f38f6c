/** The largest payload that a PUBLISH can carry, whatever its topic: MQTT §2.2.3, less the longest topic. */
export const MAX_PAYLOAD = 268_435_455 - 65_535 - 1_024

const LINE_FEED = 0x0a

/**
 * Splits bytes into lines, without their line feeds. Nothing else is changed: a carriage return stays.
 *
 * @throws {Error} if a line is longer than a payload can be
 */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  let begun: Uint8Array[] = []
  for await (const chunk of chunks) {
    let from = 0
    for (let to = chunk.indexOf(LINE_FEED); to !== -1; to = chunk.indexOf(LINE_FEED, from)) {
      const end = chunk.subarray(from, to)
      yield begun.length === 0 ? end : joined([...begun, end], 'A line')
      begun = []
      from = to + 1
    }
    if (from < chunk.length) begun.push(chunk.subarray(from))
    checkSize(begun, 'A line')
  }
  if (begun.length > 0) yield joined(begun, 'A line')
}

/** All bytes as one payload. @throws {Error} if they are more than a payload can have */
export async function* wholeOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  const all: Uint8Array[] = []
  for await (const chunk of chunks) {
    all.push(chunk)
    checkSize(all, 'The input')
  }
  yield joined(all, 'The input')
}

function joined(parts: readonly Uint8Array[], what: string): Uint8Array {
  checkSize(parts, what)
  return Buffer.concat(parts)
}

function checkSize(parts: readonly Uint8Array[], what: string): void {
  const size = parts.reduce((sum, { length }) => sum + length, 0)
  if (size > MAX_PAYLOAD) throw new Error(`${what} is longer than a payload can be: ${MAX_PAYLOAD} bytes`)
}
