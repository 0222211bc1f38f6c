import { describe, expect, test } from 'vitest'

import type { AuthenticationExchange, ResilientMqttClientOptions } from '../../src/index.ts'
import { createTestClock } from '../../testing/test-clock.ts'
import { until } from '../support/event-loop.ts'
import { once, startClient } from '../support/recorded-client.ts'
import { howToInstall, startChallenging, version } from './lab/mosquitto-plugin.ts'

const installed = version ?? `(${howToInstall})`
const product = `mosquitto ${installed}, a plugin with AUTH`
const secret = 'a secret'
const method = 'CHALLENGE'

/** What the broker proved, and how often it was asked. */
function exchange(proofs: string[], own = secret): AuthenticationExchange {
  return {
    respond: (challenge) => `${new TextDecoder().decode(challenge)}:${own}`,
    verify: (data) => proofs.push(new TextDecoder().decode(data)) > 0,
  }
}

describe.skipIf(!version)(`mosquitto ${installed}, a plugin with AUTH`, () => {
  const scenario = (seen: string, name = 'enhanced authentication') => ({
    meta: { field: { product, scenario: name, protocolVersion: 5 as const, seen } },
  })

  async function scene(start: () => AuthenticationExchange, options: Partial<ResilientMqttClientOptions> = {}) {
    const broker = await startChallenging(secret)
    const s = startClient({
      url: broker.url,
      options: { protocolVersion: 5, keepalive: 0, authentication: { method, start } },
      ...once,
      ...options,
    })
    return { ...s, broker, [Symbol.asyncDispose]: () => broker[Symbol.asyncDispose]() }
  }

  test('two challenges and a proof of the broker', scenario('ok'), async () => {
    const proofs: string[] = []
    await using s = await scene(() => exchange(proofs))
    await s.client.connect()
    await s.client.publish('a', 'b', { qos: 1 })
    expect(proofs).toEqual(['proof'])
  })

  test('a wrong answer', scenario('0x87', 'wrong answer to AUTH'), async () => {
    await using s = await scene(() => exchange([], 'another'))
    await expect(s.client.connect()).rejects.toThrow('not authorized')
    expect(s.heard('gaveUp')[0]?.failure).toMatchObject({ kind: 'refused', reasonCode: 0x87 })
  })

  test('another method', scenario('0x8c', 'unknown method of AUTH'), async () => {
    await using s = await scene(() => ({}), {
      options: { protocolVersion: 5, authentication: { method: 'OTHER' } },
    })
    await expect(s.client.connect()).rejects.toThrow('bad authentication method')
  })

  /** A client whose credentials are renewed when the clock moves. */
  async function renewing(start: () => AuthenticationExchange) {
    const clock = createTestClock()
    const s = await scene(start, {
      clock,
      now: clock.now,
      credentials: () => ({ expiresAt: clock.now() + 10_000 }),
    })
    await s.client.connect()
    return { ...s, renew: () => clock.tickAsync(9_000) }
  }

  test('renewals on the open connection', scenario('ok', 're-authentication'), async () => {
    const proofs: string[] = []
    await using s = await renewing(() => exchange(proofs))
    for (const n of [1, 2]) {
      const renewed = s.next('reauthenticated')
      await s.renew()
      await renewed
      await s.client.publish('a', `${n}`, { qos: 1 })
    }
    expect(proofs).toHaveLength(3)
    expect(s.client.status.counters).toMatchObject({ connects: 1, reauthentications: 2 })
    expect(s.heard('connectionInterrupted')).toEqual([])
  })

  // MQTT 5 §4.12.1 lets other packets flow meanwhile.
  test('a publish during a renewal', scenario('0x82, then ok', 'publish during it'), async () => {
    let renewals = 0
    await using s = await renewing(() => ({
      ...exchange([]),
      // The answer to the second challenge follows when the publish is on its way.
      respond: async (challenge) => {
        if (renewals++ === 2) await s.client.publish('a', 'b', { qos: 0 })
        return exchange([]).respond?.(challenge)
      },
    }))
    const failed = s.next('reauthenticationFailed')
    await s.renew()
    expect((await failed).failure).toEqual({ kind: 'disconnected', reasonCode: 0x82, reauthenticating: true })
    await until(() => s.client.isConnected, 'the next connection')
    expect(s.heard('connectionInterrupted')).toEqual([])
  })

  test('a renewal that the broker refuses', scenario('0x87, then ok', 'refused re-authentication'), async () => {
    let begun = 0
    await using s = await renewing(() => exchange([], ++begun === 2 ? 'another' : secret))
    const failed = s.next('reauthenticationFailed')
    await s.renew()
    expect((await failed).failure).toEqual({ kind: 'disconnected', reasonCode: 0x87, reauthenticating: true })
    await until(() => s.client.isConnected, 'the next connection')
    expect(s.heard('connectionInterrupted')).toEqual([])
  })
})
