import { byteLength } from '../shared/byte-length.ts'
import { textDecoder, textEncoder } from '../shared/text-coders.ts'
import { NodeBuffer } from './bytes.ts'
import { InvalidPacketError } from './invalid-packet.ts'

/** U+FEFF at the start is a character of the text (MQTT-1.5.4-3). */
const decoder = textDecoder({ fatal: true, ignoreBOM: true })

/** Twice as fast as TextDecoder, on any Uint8Array; for ASCII only. */
const latin1 = (NodeBuffer?.prototype as { latin1Slice?: Latin1Slice } | undefined)?.latin1Slice

type Latin1Slice = (this: Uint8Array, start: number, end: number) => string

/**
 * Reads a UTF-8 Encoded String (MQTT 5 §1.5.4) behind its length.
 *
 * @throws {InvalidPacketError} it is not UTF-8, or has U+0000 in it
 */
export function readText(bytes: Uint8Array, start: number, end: number, header: number): string {
  let or = 0
  for (let at = start; at < end; at++) {
    const byte = bytes[at] as number
    if (byte === 0) throw new InvalidPacketError('nullCharacter', header)
    or |= byte
  }
  if (or < 0x80 && latin1) return latin1.call(bytes, start, end)
  try {
    return decoder().decode(bytes.subarray(start, end))
  } catch {
    throw new InvalidPacketError('utf8', header)
  }
}

/** What depends on whether there is a `Buffer`. */
interface Utf8 {
  /** Writes a text; halves of surrogate pairs as U+FFFD. @returns where it ends */
  write(text: string, into: Uint8Array, at: number): number
  /** How many bytes `write` writes. */
  lengthOf(text: string): number
  /** The bytes that `write` writes, by themselves. */
  encode(text: string): Uint8Array
}

export const utf8: Utf8 = NodeBuffer
  ? {
      write: (text, into, at) => at + (into as Buffer).write(text, at),
      lengthOf: (text) => Buffer.byteLength(text),
      encode: (text) => Buffer.from(text),
    }
  : {
      write: (text, into, at) => at + textEncoder().encodeInto(text, into.subarray(at)).written,
      lengthOf: byteLength,
      encode: (text) => textEncoder().encode(text),
    }
