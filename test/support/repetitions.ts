const isLong = process.env['LONG_TESTS'] === '1'
const inCI = process.env['CI'] !== undefined

/**
 * How often a test repeats what chance decides: `short` in `npm test`, which takes a minute, `many` in the project `long`
 * of vitest.config.ts.
 */
export function repetitions(short: number, many: number): number {
  return isLong ? many : short
}

/**
 * How many random cases a property is tried with: as `repetitions()`, but a third of `many` in CI. The seed is fixed there, so
 * that every run tries the same cases.
 */
export function randomCases(short: number, many: number): number {
  return repetitions(short, inCI ? Math.ceil(many / 3) : many)
}
