import { textDecoder } from '../shared/text-coders.ts'
import type { Payload } from './message.ts'

/**
 * Turns values into payloads and back. Both methods may throw. A message that cannot be decoded goes to `onInvalid`, or
 * to the `error` event.
 */
export interface Codec<Value> {
  encode(value: Value): Payload
  decode(payload: Uint8Array): Value
}

const decoder = /* @__PURE__ */ textDecoder({ fatal: true })

/** Encodes values as JSON. Incoming values are not checked: add a schema for that. */
export function json<Value>(): Codec<Value> {
  return {
    encode: (value) => JSON.stringify(value),
    decode: (payload) => JSON.parse(decoder().decode(payload)) as Value,
  }
}

/** Encodes strings as UTF-8. */
export const text: Codec<string> = /* @__PURE__ */ Object.freeze({
  encode: (value: string) => value,
  decode: (payload: Uint8Array) => decoder().decode(payload),
})

/** Passes bytes through unchanged. */
export const binary: Codec<Uint8Array> = Object.freeze({
  encode: (value: Uint8Array) => value,
  decode: (payload: Uint8Array) => payload,
})

/**
 * A validator of any library that implements Standard Schema (https://standardschema.dev), such as zod, valibot or
 * arktype. This interface is the part of the specification that the client uses.
 */
export interface StandardSchema<Output = unknown> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>
    readonly types?: { readonly input: unknown; readonly output: Output } | undefined
  }
}

/** What a schema says of a value: the value that it made of it, or what is wrong with it. */
export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] }

/** One thing that is wrong with a value, and where in it. */
export interface SchemaIssue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}
