import type { TransportInput } from '../../machines/connection/types.ts'

const names = {
  attempt: true,
  cycle: true,
  generation: true,
  server: true,
  servers: true,
  failure: true,
  replaces: true,
} as const satisfies Record<keyof TransportInput, true>

/** Returns whether this is the input of the library's transport, which comes from the machine's context and has no secrets. */
export function isTransportInput(input: unknown): boolean {
  if (typeof input !== 'object' || input === null) return false
  const given = Object.keys(input)
  return given.length === Object.keys(names).length && given.every((name) => Object.hasOwn(names, name))
}
