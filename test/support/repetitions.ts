/** Whether this is the project `long` of vitest.config.ts. */
export const long = process.env['LONG_TESTS'] === '1'

/** How often a test repeats what chance decides: `short` in `npm test`, which takes a minute, `many` in the project `long`. */
export function repetitions(short: number, many: number): number {
  return long ? many : short
}
