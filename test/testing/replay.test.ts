import { describe, expect, test } from 'vitest'

import { connectionMachine } from '../../machines/index.ts'
import { createReplay } from '../../testing/index.ts'
import { checkRecording } from '../../testing/replay/check-recording.ts'
import { readRecordings } from '../../testing/replay/read-recording.ts'
import { outage } from '../support/recorded-outage.ts'

const choice = {
  type: 'server.chosen',
  current: 'mqtt://a:1883',
  address: 'mqtt://a:1883',
  moved: false,
  servers: [],
} as const

describe('createReplay', () => {
  test('says what the machine does, with exact times', () => {
    const machine = createReplay({ config: { reconnect: { jitter: 'none' } } })
    expect(machine.state).toBe('idle')
    expect(machine.at(0, { type: 'CONNECT' })).toEqual([
      'connecting',
      'starts transport: attempt 0, cycle 0, generation 1, replaces false',
      'waits 30000 ms: connectTimeout',
    ])
    expect(machine.delays).toEqual({ connectTimeout: 30_000 })
    machine.at(5, choice)
    expect(machine.at(20, { type: 'transport.failed', failure: { kind: 'closed' } })).toEqual([
      'reconnecting',
      'calls pausePublishing',
      'stops transport',
      'emits reconnectScheduled: attempt 1, delay 1000, failure closed',
      'waits 1000 ms: reconnectDelay',
    ])
    expect(machine.context.retryAt).toBe(1_020)
    expect(machine.at(1_020, 'reconnectDelay')[0]).toBe('connecting')
    expect(machine.context.attempt).toBe(1)
  })

  test('takes random numbers, the answers of functions, and errors from the test', () => {
    const machine = createReplay({ now: 1_000, config: { canRefresh: true } })
    expect(machine.at(0, { type: 'CONNECT' })[0]).toBe('refreshingToken.offline')
    const failed = { type: 'xstate.error.actor.refresh', error: { name: 'TypeError' } } as const
    expect(machine.at(1, failed, { random: [1] })).toContain('waits 1000 ms: reconnectDelay')
    expect(machine.context.failure).toEqual({ kind: 'refresh', name: 'TypeError' })
    expect(machine.at(1_001, 'reconnectDelay')[0]).toBe('refreshingToken.offline')
    machine.at(1_002, { type: 'xstate.done.actor.refresh', output: { expiresAt: 100_000 } })
    expect(machine.context.credentials).toMatchObject({ status: 'fresh', lifetime: 97_998 })
    const closed = { type: 'transport.failed', failure: { kind: 'closed' } } as const
    expect(machine.at(1_003, closed, { classify: ['fatal'] })[0]).toBe('failed')
  })

  test('follows the wall clock when it is set', () => {
    const machine = createReplay()
    machine.setWallClock(10, 5_000)
    machine.at(20, { type: 'CONNECT' })
    machine.at(30, { type: 'transport.opened', sessionPresent: false })
    expect(machine.context.openedAt).toBe(5_020)
  })

  test.each([
    ['reconnectDelay', 100, "the delay 'reconnectDelay' passes at 1010 ms, not at 100 ms"],
    ['nonsense', 100, "no delay 'nonsense' runs in reconnecting; delays that run: reconnectDelay"],
  ])('refuses the delay %s at %i ms', (delay, time, message) => {
    const machine = createReplay({ config: { reconnect: { jitter: 'none' } } })
    machine.at(0, { type: 'CONNECT' })
    machine.at(10, { type: 'transport.failed', failure: { kind: 'closed' } })
    expect(() => machine.at(time, delay)).toThrow(message)
  })

  test('begins anywhere', () => {
    const machine = createReplay({
      state: 'reconnecting',
      context: { attempt: 3, delay: 500 },
      timers: [{ event: 'xstate.after.reconnectDelay.reconnecting', delay: 500, t: -200 }],
    })
    expect(machine.at(300, 'reconnectDelay')[1]).toBe(
      'starts transport: attempt 3, cycle 0, generation 1, replaces false',
    )
  })
})

describe('a recording', () => {
  const read = (text: string) => readRecordings(text).recordings[0] ?? expect.fail()

  test('of this version takes the same way', async () => {
    const recording = read(await outage())
    expect(checkRecording(recording)).toEqual({ steps: expect.any(Number), skipped: 0 })
  })

  test('shows the first difference to a machine with another delay', async () => {
    const slower = connectionMachine.provide({ delays: { reconnectDelay: ({ context }) => context.delay + 100 } })
    const { difference } = checkRecording(read(await outage()), slower)
    expect(difference?.steps.at(-1)?.state).toBe('reconnecting')
    expect(difference?.recorded).toContain('waits 750 ms: reconnectDelay')
    expect(difference?.replayed).toContain('waits 850 ms: reconnectDelay')
  })

  test('is read without a torn last line, and from the first checkpoint on', async () => {
    const text = await outage()
    const lines = text.trimEnd().split('\n')
    const torn = readRecordings(`${lines.slice(0, -1).join('\n')}\n${lines.at(-1)?.slice(0, 20)}`)
    expect(torn.unreadable).toBe(1)
    expect(torn.recordings[0]?.lines).toHaveLength(lines.length - 2)
    const second = lines.findLastIndex((line) => line.includes('"type":"checkpoint"'))
    expect(second).toBeGreaterThan(1)
    const tail = read([lines[0], ...lines.slice(second - 2)].join('\n'))
    expect(tail.lines[0]?.type).toBe('checkpoint')
    expect(checkRecording(tail).difference).toBeUndefined()
    expect(checkRecording(tail).steps).toBeGreaterThan(0)
  })

  test.each<[string, object]>([
    ['an event without a type', { type: 'step', client: 1, t: 1, state: 'idle', event: {} }],
    ['a failure that is none', { type: 'step', client: 1, t: 1, state: 'idle', event: { type: 'transport.failed' } }],
    ['no effect', { type: 'step', client: 1, t: 1, state: 'idle', timer: 'stableAfter', does: [null] }],
    ['an end without an event', { type: 'broken', client: 1, t: 1 }],
    ['a header without a version', { type: 'recording', format: 1, run: 'x' }],
  ])('skips an edited line with %s', async (_, line) => {
    expect(readRecordings(`${await outage()}\n${JSON.stringify(line)}`).unreadable).toBe(1)
  })

  test('goes on after missing lines with the next checkpoint', async () => {
    const lines = (await outage()).trimEnd().split('\n')
    const second = lines.findLastIndex((line) => line.includes('"type":"checkpoint"'))
    const text = [...lines.slice(0, 6), '{"type":"lost","lines":9}', lines[7], ...lines.slice(second)].join('\n')
    expect(checkRecording(read(text))).toEqual({ steps: expect.any(Number), skipped: 1 })
  })

  test('with a wrong checkpoint differs there', async () => {
    const text = (await outage()).replace(/("type":"checkpoint"(?:(?!checkpoint)[^])*)$/, (last) =>
      last.replace('"attempt":0', '"attempt":7'),
    )
    expect(checkRecording(read(text)).difference).toMatchObject({ recorded: ['attempt 7'], replayed: ['attempt 0'] })
  })

  test.each([
    ['', 'it has no line of a recording'],
    ['hello\n{"a":1}\n', 'it has no line of a recording'],
    [
      '{"type":"recording","format":2,"package":"9.0.0","run":"x","at":"2030-01-01T00:00:00.000Z"}',
      'it has the format 2 of xstate-mqtt 9.0.0; this version reads formats up to 1',
    ],
  ])('%j is none', (text, message) => {
    expect(() => readRecordings(text)).toThrow(message)
  })
})
