import { textDecoder } from '../src/shared/text-coders.ts'

/**
 * The bytes of a message as MQTT.js gives them: a `Buffer`. Where there is none, as in browsers, a `Uint8Array` whose
 * `toString()` decodes it like a `Buffer`.
 */
export function toBuffer({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  if (typeof Buffer !== 'undefined') return Buffer.from(buffer, byteOffset, byteLength)
  return new MessageBytes(buffer as ArrayBuffer, byteOffset, byteLength) as Uint8Array as Buffer
}

const decoder = textDecoder()

class MessageBytes extends Uint8Array {
  /** A part of it is an ordinary `Uint8Array`. */
  static get [Symbol.species](): Uint8ArrayConstructor {
    return Uint8Array
  }

  override toString(encoding = 'utf8'): string {
    switch (encoding.toLowerCase()) {
      case 'utf8':
      case 'utf-8':
        return decoder().decode(this)
      case 'hex':
        return Array.from(this, (byte) => byte.toString(16).padStart(2, '0')).join('')
      case 'base64':
        return btoa(this.#binary())
      case 'latin1':
      case 'binary':
      case 'ascii':
        return this.#binary()
      default:
        throw new TypeError(`Unknown encoding: ${encoding}`)
    }
  }

  #binary(): string {
    return Array.from(this, (byte) => String.fromCharCode(byte)).join('')
  }
}
