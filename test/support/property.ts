import fc from 'fast-check'

// A landing must not fail by luck: in CI all properties see the same cases each time, elsewhere new ones in each run.
// `FC_SEED=1234 npm test` repeats what a failure printed.
const seed = process.env['FC_SEED'] ?? (process.env['CI'] === undefined ? undefined : '1')
if (seed !== undefined) fc.configureGlobal({ seed: Number(seed) })

/** fast-check, with the seed of this run. */
export { fc }
