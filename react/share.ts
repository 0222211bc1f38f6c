/**
 * Returns a copy of `next` that has the parts of `previous` that are equal, so that they are the same objects; `previous`
 * itself if everything is equal.
 */
export function share<Value>(previous: Value | undefined, next: Value): Value {
  if (Object.is(previous, next)) return next
  if (!isPlain(previous) || !isPlain(next) || Array.isArray(previous) !== Array.isArray(next)) return next
  const before = previous as Record<string, unknown>
  const after = next as Record<string, unknown>
  const names = Object.keys(after)
  const parts = names.map((name) => share(before[name], after[name]))
  const isSame =
    names.length === Object.keys(before).length &&
    names.every((name, index) => Object.hasOwn(before, name) && Object.is(before[name], parts[index]))
  if (isSame) return previous
  if (Array.isArray(next)) return parts as Value
  return Object.fromEntries(names.map((name, index) => [name, parts[index]])) as Value
}

/** Whether two values are equal, with all parts of arrays and plain objects. */
export function isEqual(one: unknown, other: unknown): boolean {
  return Object.is(share(one, other), one)
}

function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === Array.prototype || prototype === null
}
