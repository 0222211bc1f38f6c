import { expect, test } from 'vitest'

import { StoreError } from '../../src/api/errors.ts'

const MOVE = 'move it away to start with an empty store'

test.each<[options: { readonly intactPublishes?: number; readonly salvage?: boolean }, text: string]>([
  [{}, `is damaged, and was left unchanged: ${MOVE}`],
  [{ intactPublishes: 3 }, `is damaged (3 of its publishes are intact), and was left unchanged: ${MOVE}`],
  [
    { intactPublishes: 0, salvage: true },
    `is damaged (none of its publishes are intact), and was left unchanged: ${MOVE}`,
  ],
  [
    { intactPublishes: 1, salvage: true },
    `is damaged (1 of its publishes is intact), and was left unchanged: copy what is intact to a new store with 'npx xstate-mqtt store salvage ./outbox', or ${MOVE}`,
  ],
])('a damaged store with %j', (options, text) => {
  const error = new StoreError('corrupt', './outbox', options)
  expect(error.message).toBe(`the store ./outbox ${text}`)
  expect(error.intactPublishes).toBe(options.intactPublishes)
})
