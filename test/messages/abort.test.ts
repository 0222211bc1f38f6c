import { describe, expect, onTestFinished, test } from 'vitest'

import type { ResilientMqttClient } from '../../src/index.ts'
import { onAbort } from '../../src/shared/abort.ts'
import { outcomes } from '../support/promises.ts'
import { range } from '../support/range.ts'
import { startClient } from '../support/recorded-client.ts'

/** A signal that counts its listeners. */
function countedSignal() {
  const controller = new AbortController()
  const { signal } = controller
  const counts = { now: 0, most: 0, added: 0 }
  const add = signal.addEventListener.bind(signal)
  const remove = signal.removeEventListener.bind(signal)
  signal.addEventListener = (...given: Parameters<typeof add>) => {
    counts.now++
    counts.added++
    counts.most = Math.max(counts.most, counts.now)
    add(...given)
  }
  signal.removeEventListener = (...given: Parameters<typeof remove>) => {
    counts.now--
    remove(...given)
  }
  return { controller, signal, counts }
}

describe('a signal with many waiting calls', () => {
  test('has one listener while calls wait, and none afterwards', () => {
    const { signal, counts } = countedSignal()
    const stops = range(1_000).map(() => onAbort(signal, () => {}))
    expect(counts).toEqual({ now: 1, most: 1, added: 1 })
    for (const stop of stops) stop()
    for (const stop of stops) stop()
    expect(counts.now).toBe(0)
    onAbort(signal, () => {})()
    expect(counts).toEqual({ now: 0, most: 1, added: 2 })
  })

  test('calls each callback once and in order, except removed ones', () => {
    const { controller, signal, counts } = countedSignal()
    const called: number[] = []
    const stops = range(4).map((i) =>
      onAbort(signal, () => {
        called.push(i)
        if (i === 1) stops[2]?.()
      }),
    )
    stops[0]?.()
    controller.abort()
    controller.abort()
    expect(called).toEqual([1, 3])
    for (const stop of stops) stop()
    expect(counts.now).toBe(0)
  })

  test('two signals are independent', () => {
    const [one, other] = [countedSignal(), countedSignal()]
    const called: string[] = []
    onAbort(one.signal, () => called.push('one'))
    onAbort(other.signal, () => called.push('other'))
    one.controller.abort()
    expect(called).toEqual(['one'])
  })
})

describe('100 calls with one signal', () => {
  type Call = (client: ResilientMqttClient, signal: AbortSignal) => Promise<unknown>
  const calls: readonly (readonly [string, Call])[] = [
    ['connect', (client, signal) => client.connect({ signal })],
    ['publish', (client, signal) => client.publish('a', '', { qos: 1, signal })],
    ['request', (client, signal) => client.request('a', '', { responseTopic: 'b', signal })],
    ['waitFor', (client, signal) => client.waitFor('connected', { signal })],
  ]

  test.each(calls)('%s: all calls end with the signal, without a leak warning', async (_name, call) => {
    const warnings: Error[] = []
    const onWarning = (warning: Error) => void warnings.push(warning)
    process.on('warning', onWarning)
    onTestFinished(() => void process.off('warning', onWarning))
    // No server listens on this port.
    const { client } = startClient({ url: 'mqtt://127.0.0.1:1', options: { protocolVersion: 5 } })
    const { controller, signal, counts } = countedSignal()
    const settled = outcomes(range(100).map(() => call(client, signal)))
    expect(counts.most).toBe(1)
    controller.abort(new TypeError('no longer'))
    expect(new Set(await settled)).toEqual(new Set(['TypeError']))
    expect(counts.now).toBe(0)
    // Node emits a warning in a separate turn.
    await new Promise((resolve) => setImmediate(resolve))
    expect(warnings).toEqual([])
  })
})

test.each([false, true])(
  'accepts a polyfilled signal that only has `aborted` and its event: aborted %s',
  async (aborted) => {
    const { client } = startClient({ url: 'mqtt://127.0.0.1:1' })
    const signal = Object.assign(new EventTarget(), { aborted, reason: new Error('enough') }) as AbortSignal
    const published = client.publish('a', '', { signal })
    signal.dispatchEvent(new Event('abort'))
    await expect(published).rejects.toThrow('enough')
  },
)
