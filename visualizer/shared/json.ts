/** An object of which nothing else is known: a message of another process, or a part of any machine's config. */
export type Fields = Readonly<Record<string, unknown>>

/** Whether a value is an object with named fields: neither `null` nor an array. */
export function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** XState allows one entry in place of a list of one. */
export function list(value: unknown): readonly unknown[] {
  if (value === undefined || value === null) return []
  return Array.isArray(value) ? value : [value]
}

/** @returns `undefined` if the text is not JSON */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}
