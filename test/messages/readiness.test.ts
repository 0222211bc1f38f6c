import { describe, expect, test } from 'vitest'

import { UnsubscribedError } from '../../src/api/errors.ts'
import { ResilientMqttClient } from '../../src/client.ts'
import { SubscriptionReadiness } from '../../src/messages/subscription-readiness.ts'

type Step = (readiness: SubscriptionReadiness) => void

const first = new Error('first')
const second = new Error('second')
const grant: Step = (readiness) => readiness.resolve(1)
const refuse: Step = (readiness) => readiness.reject(first)
const giveUp: Step = (readiness) => readiness.postpone(first)

/** The outcome of `ready`, as the application sees it now. */
async function outcomeOf(ready: Promise<unknown>) {
  const pending = new Promise((resolve) => setImmediate(resolve, 'pending'))
  return Promise.race([ready, pending]).catch((error: unknown) => error)
}

const cases: [string, Step[], unknown][] = [
  ['is pending before an answer', [], 'pending'],
  ['resolves with the granted QoS', [grant], 1],
  ['keeps its first outcome when the subscription is granted again', [grant, (each) => each.resolve(2)], 1],
  ['keeps its first outcome when a later connection refuses the subscription', [grant, refuse], 1],
  ['keeps its first outcome when a later connection grants the subscription', [refuse, grant], first],
  ['does not reject when the client gives up later', [grant, giveUp], 1],
  ['rejects when the client gives up', [giveUp], first],
  ['resolves once a later connection grants the subscription', [giveUp, grant], 1],
  ['rejects once a later connection refuses the subscription', [giveUp, (each) => each.reject(second)], second],
  ['rejects with the first error when the client gives up twice', [giveUp, (each) => each.postpone(second)], first],
]

describe('the promise ready', () => {
  test.each(cases)('%s', async (_, steps, outcome) => {
    const askedLate = new SubscriptionReadiness()
    const askedAlways = new SubscriptionReadiness()
    for (const step of steps) {
      step(askedLate)
      void askedAlways.promise
      step(askedAlways)
    }
    expect(await outcomeOf(askedLate.promise)).toBe(outcome)
    expect(await outcomeOf(askedAlways.promise)).toBe(outcome)
    expect(askedLate.promise).toBe(askedLate.promise)
  })

  test('rejects only once after the client gave up: another promise follows', async () => {
    const readiness = new SubscriptionReadiness()
    const before = readiness.promise
    giveUp(readiness)
    grant(readiness)
    expect(await outcomeOf(before)).toBe(first)
    expect(await outcomeOf(readiness.promise)).toBe(1)
  })
})

test('the functions of a subscription can be handed on without it', async () => {
  const client = new ResilientMqttClient({ url: 'mqtt://localhost' })
  const { unsubscribe, pause, resume, ...rest } = client.subscribe('a', () => {})
  const subscription = client.subscribe('b', () => {})
  const { ready } = subscription
  pause()
  expect(client.status.subscriptions.paused).toBe(1)
  resume()
  unsubscribe()
  expect(client.status.subscriptions).toMatchObject({ wanted: 1, paused: 0 })
  expect(rest.filter).toBe('a')
  await client[Symbol.asyncDispose]()
  await expect(ready).rejects.not.toBeInstanceOf(UnsubscribedError)
})
