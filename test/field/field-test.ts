import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { protocolVersions } from '../support/servers.ts'
import type { FieldBroker, Product } from './lab/product.ts'
import { scenarios, type ScenarioName } from './scenarios.ts'

declare module 'vitest' {
  interface TaskMeta {
    /** A cell of the table that `npm run test:field` prints. */
    field?: { readonly product: string; readonly scenario: string; readonly protocolVersion?: Version; seen?: string }
  }
}

/** `auto`: the client finds out which version the broker has. */
type Version = 4 | 5 | 'auto'

/** What is expected to be seen: for both versions of MQTT, or only for those that are named. */
export type Expectations = Partial<Record<ScenarioName, string | { readonly [version in Version]?: string }>>

/** Runs the scenarios for which something is expected against a broker. The first that fails does not end the others. */
export function testBroker(product: Product, expectations: Expectations): void {
  const installed = product.version ?? `(${product.howToInstall})`
  const setting = product.setting ? `, ${product.setting}` : ''
  const row = `${product.name} ${installed}${setting}`
  describe.skipIf(!product.version)(`${product.name} ${installed}${setting}`, () => {
    let broker: FieldBroker
    beforeAll(async () => {
      broker = await product.start()
    }, 300_000)
    afterAll(() => broker?.[Symbol.asyncDispose]())

    for (const [scenario, expected] of Object.entries(expectations) as [ScenarioName, Expectations[ScenarioName]][]) {
      const wanted = typeof expected === 'string' ? { 4: expected, 5: expected } : expected
      for (const protocolVersion of [...protocolVersions, 'auto'] as const) {
        const expectation = wanted?.[protocolVersion]
        if (expectation === undefined) continue
        const field = { product: row, scenario, protocolVersion }
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
