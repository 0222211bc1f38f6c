import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'

import { readWhole } from '../../testing/whole-reads.ts'

/** As in Node 26, Bun and Deno: without a size, `read` returns the first chunk only. */
class ChunkByChunk extends PassThrough {
  readonly #lengths: number[] = []

  override write(chunk: string): boolean {
    this.#lengths.push(chunk.length)
    return super.write(chunk)
  }

  override read(size?: number): Buffer | null {
    const first = size === undefined && this.readableLength > 0 ? this.#lengths.shift() : size
    return super.read(first) as Buffer | null
  }
}

test('a read without a size returns everything that is buffered', async () => {
  const stream = readWhole(new ChunkByChunk())
  const readable = once(stream, 'readable')
  for (const chunk of ['head', 'er', 'body']) stream.write(chunk)
  await readable
  expect(String(stream.read())).toBe('headerbody')
  expect(stream.read()).toBeNull()

  // aedes passes null.
  const again = once(stream, 'readable')
  for (const chunk of ['a', 'b']) stream.write(chunk)
  await again
  expect(String(stream.read(null as never))).toBe('ab')
})

test('a read with a size returns that many bytes', async () => {
  const stream = readWhole(new PassThrough())
  const readable = once(stream, 'readable')
  stream.write('abc')
  await readable
  expect(stream.read(0)).toBeNull()
  expect(String(stream.read(2))).toBe('ab')
  expect(String(stream.read(1))).toBe('c')
})
