/** Options that were read from JSON, or from a database, may be `null`. */
export function isGiven<Value>(value: Value): value is NonNullable<Value> {
  return value !== undefined && value !== null
}
