import type { StatsMessage } from '../protocol.ts'

const NAMES = [
  'outbox',
  'outboxBytes',
  'inFlight',
  'published',
  'received',
] as const satisfies readonly (keyof StatsMessage['stats'])[]

/** Copies only the known figures of an app: anything else could be a secret. */
export function figuresOf(value: unknown): StatsMessage['stats'] {
  const fields = (value ?? {}) as Readonly<Record<string, unknown>>
  return Object.fromEntries(NAMES.flatMap((name) => (Number.isFinite(fields[name]) ? [[name, fields[name]]] : [])))
}
