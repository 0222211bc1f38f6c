/**
 * The encoder of UTF-8. It is created with the first use: where the global does not exist, this package must still be
 * importable.
 */
export function textEncoder(): TextEncoder {
  return (encoder ??= new (coders().TextEncoder)())
}

/** A decoder of UTF-8, which is created with its first use. */
export function textDecoder(options?: TextDecoderOptions): () => TextDecoder {
  let decoder: TextDecoder | undefined
  return () => (decoder ??= new (coders().TextDecoder)('utf-8', options))
}

let encoder: TextEncoder | undefined

interface Coders {
  readonly TextEncoder: typeof TextEncoder
  readonly TextDecoder: typeof TextDecoder
}

/** jest-environment-jsdom has no such globals, and runs in Node, whose module `util` has them. */
function coders(): Coders {
  if (typeof TextEncoder !== 'undefined' && typeof TextDecoder !== 'undefined') return globalThis
  if (typeof process !== 'undefined' && process.getBuiltinModule) return process.getBuiltinModule('node:util') as Coders
  throw new Error('This runtime has no TextEncoder or no TextDecoder: import a polyfill first')
}
