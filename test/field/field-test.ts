import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { protocolVersions } from '../support/servers.ts'
import type { FieldBroker, Product } from './lab/product.ts'
import { scenarios, type ScenarioName } from './scenarios.ts'

declare module 'vitest' {
  interface TaskMeta {
    /** A cell of the table that `npm run test:field` prints. */
    field?: { readonly product: string; readonly scenario: string; readonly protocolVersion?: 4 | 5; seen?: string }
  }
}

/** What is expected to be seen: for both versions of MQTT, or only for those that the broker has. */
export type Expectations = Partial<Record<ScenarioName, string | { readonly 4?: string; readonly 5?: string }>>

/** Runs the scenarios for which something is expected against a broker. The first that fails does not end the others. */
export function testBroker(product: Product, expectations: Expectations): void {
  const installed = product.version ?? `(${product.howToInstall})`
  describe.skipIf(!product.version)(`${product.name} ${installed}`, () => {
    let broker: FieldBroker
    beforeAll(async () => {
      broker = await product.start()
    }, 300_000)
    afterAll(() => broker?.[Symbol.asyncDispose]())

    for (const [scenario, expected] of Object.entries(expectations) as [ScenarioName, Expectations[ScenarioName]][]) {
      for (const protocolVersion of protocolVersions) {
        const expectation = typeof expected === 'string' ? expected : expected?.[protocolVersion]
        if (expectation === undefined) continue
        const field = { product: `${product.name} ${installed}`, scenario, protocolVersion }
        test(`${scenario}, MQTT ${protocolVersion}`, { meta: { field } }, async ({ task }) => {
          const seen = await scenarios[scenario]({
            broker,
            protocolVersion,
            topic: `field/${randomBytes(4).toString('hex')}`,
          })
          task.meta.field = { ...field, seen }
          expect(seen).toBe(expectation)
        })
      }
    }
  })
}
