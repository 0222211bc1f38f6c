/**
 * How often a test repeats what chance decides: `short` in `npm test`, which takes a minute, `many` in the project `long`
 * of vitest.config.ts.
 */
export function repetitions(short: number, many: number): number {
  return process.env['LONG_TESTS'] === '1' ? many : short
}
