import { describe, expect, test } from 'vitest'
import { fromCallback } from 'xstate'

import type { ConnectionInput } from '../../machines/config.ts'
import { Turnstile } from '../../src/fleet/turnstile.ts'
import type { AdmissionOutcome, AdmissionRequest } from '../../src/index.ts'
import { visit } from '../../src/lifecycle/admission.ts'
import { createTestClock } from '../../testing/index.ts'
import {
  closed,
  hours,
  InvalidCredentialsError,
  minutes,
  machineScene,
  seconds,
  settle,
  type SceneOptions,
} from '../support/machine-scene.ts'

/** A machine with a gate that the test opens. */
function gated({ input, ...options }: SceneOptions = {}) {
  let inside = 0
  const asked: (() => void)[] = []
  const admission = fromCallback(({ sendBack }) => {
    inside++
    asked.push(() => sendBack({ type: 'admission.granted' }))
    return () => void inside--
  })
  const s = machineScene({ ...options, input: { gated: true, ...input }, actors: { admission } })
  return {
    s,
    asked,
    admit: () => asked.at(-1)?.(),
    /** The number of attempts that wait or are admitted. */
    get inside() {
      return inside
    },
  }
}

test('opens no connection before the gate admits it, however long that takes', () => {
  const { s, admit } = gated()
  s.send('CONNECT')
  s.clock.tick(seconds(3_600))
  expect([s.state, s.context.admission]).toEqual(['connecting', 'awaited'])
  expect(s.transport.connections).toHaveLength(0)
  admit()
  expect([s.state, s.context.admission]).toEqual(['connecting', 'granted'])
  expect(s.transport.running).toBe(1)
})

test('starts the connect timeout when the attempt is admitted', () => {
  const { s, admit } = gated()
  s.send('CONNECT')
  s.clock.tick(seconds(100))
  admit()
  s.clock.tick(seconds(30) - 1)
  expect(s.state).toBe('connecting')
  s.clock.tick(1)
  expect(s.state).toBe('reconnecting')
})

test.each<[string, (s: ReturnType<typeof gated>['s']) => void]>([
  ['it opens', (s) => s.transport.current.open()],
  ['it fails', (s) => s.transport.current.fail(closed)],
  ['it takes too long', (s) => s.clock.tick(seconds(30))],
  ['the application disconnects', (s) => s.send('DISCONNECT')],
])('releases the admission when %s', (_, end) => {
  const gate = gated()
  gate.s.send('CONNECT')
  gate.admit()
  expect(gate.inside).toBe(1)
  end(gate.s)
  expect([gate.inside, gate.s.context.admission]).toEqual([0, 'none'])
})

test('requests admission for each attempt', async () => {
  const { s, asked, admit } = gated()
  s.send('CONNECT')
  admit()
  s.transport.current.fail(closed)
  s.clock.tick(seconds(1))
  expect(asked).toHaveLength(2)
  expect(s.transport.connections).toHaveLength(1)
  admit()
  s.transport.current.open()
  await settle()
  expect(s.state).toBe('connected.ready')
})

test('requests admission for an attempt that follows a redirect', () => {
  const gate = gated()
  gate.s.send('CONNECT')
  gate.admit()
  gate.s.transport.current.fail({ kind: 'refused', protocolVersion: 5, reasonCode: 0x9d, serverReference: 'other' })
  expect(gate.inside).toBe(gate.s.state === 'connecting' ? 1 : 0)
})

test('can be disconnected while it waits for admission, and leaves no timer or request', () => {
  const gate = gated()
  gate.s.send('CONNECT')
  gate.s.send('DISCONNECT')
  expect(gate.s.state).toBe('disconnected')
  expect(gate.inside).toBe(0)
  expect(gate.s.clock.pending).toBe(0)
})

test('connects without admission if the gate throws', () => {
  const admission = fromCallback(() => {
    throw new Error('broken')
  })
  const s = machineScene({ input: { gated: true }, actors: { admission } })
  s.send('CONNECT')
  expect(s.transport.running).toBe(1)
  expect(s.errors).toEqual([])
})

describe('credentials that expire during the wait for admission', () => {
  const waiting = async () => {
    const gate = gated({ input: { canRefresh: true } })
    gate.s.send('CONNECT')
    gate.s.tokens[0]!.resolve(seconds(30))
    await settle()
    gate.s.clock.tick(seconds(40))
    gate.admit()
    return gate
  }

  test('are renewed while the admission is kept', async () => {
    const gate = await waiting()
    const { s, asked } = gate
    expect([s.state, s.context.admission, s.transport.running]).toEqual(['refreshingToken.offline', 'granted', 0])
    expect(s.tokens.at(-1)).toMatchObject({ reason: 'expiring', aborted: false })
    s.tokens.at(-1)!.resolve(seconds(30))
    await settle()
    expect([s.state, s.context.admission, s.transport.running]).toEqual(['connecting', 'granted', 1])
    expect(asked, 'admission is not requested again').toHaveLength(1)
    s.transport.current.open()
    expect([s.context.admission, gate.inside]).toEqual(['none', 0])
  })

  test('do not prevent the connection if the renewed ones are expired as well', async () => {
    const { s } = await waiting()
    s.tokens.at(-1)!.resolve(-1)
    await settle()
    expect(s.transport.running).toBe(1)
  })

  test.each<[string, (s: ReturnType<typeof gated>['s']) => void, string]>([
    ['the source fails', (s) => s.tokens.at(-1)!.reject(new TypeError('unreachable')), 'reconnecting'],
    ['the source says stop', (s) => s.tokens.at(-1)!.reject(new InvalidCredentialsError()), 'failed'],
    ['the source takes too long', (s) => s.clock.tick(seconds(30)), 'reconnecting'],
    ['the application disconnects', (s) => s.send('DISCONNECT'), 'disconnected'],
  ])('release the admission when %s', async (_, end, state) => {
    const gate = await waiting()
    end(gate.s)
    await settle()
    expect([gate.s.state, gate.s.context.admission, gate.inside]).toEqual([state, 'none', 0])
  })

  test('do not prevent a fleet from connecting, however short their lifetime', async () => {
    const clock = createTestClock()
    const turnstile = new Turnstile({ maxConnecting: 50, connectRate: 1, clock, now: clock.now })
    const admission = fromCallback(({ sendBack }) => turnstile.ask(() => sendBack({ type: 'admission.granted' })))
    const fleet = Array.from({ length: 100 }, () =>
      machineScene({
        input: { gated: true, canRefresh: true },
        actors: { admission },
        refresh: (request) => request.resolve(seconds(30)),
        transport: (connection) => connection.open(),
      }),
    )
    for (const { send } of fleet) send('CONNECT')
    for (let second = 0; second < 110; second++) {
      await settle()
      clock.tick(seconds(1))
      for (const s of fleet) s.clock.tick(seconds(1))
    }
    await settle()
    expect(fleet.filter(({ context }) => context.counters.connects === 0)).toEqual([])
  })
})

describe('a connection that is about to be replaced', () => {
  const open = async (input: ConnectionInput = { canRefresh: true }) => {
    const flow: string[] = []
    const gate = gated({
      input,
      actions: { resumePublishing: () => void flow.push('open'), pausePublishing: () => void flow.push('closed') },
    })
    const { s, admit } = gate
    s.send('CONNECT')
    s.tokens[0]?.resolve(hours(1))
    await settle()
    admit()
    s.transport.current.open()
    await settle()
    expect([s.state, gate.inside]).toEqual(['connected.ready', 0])
    return { ...gate, s, flow, inside: () => gate.inside }
  }

  test.each([
    ['its renewal is due', (s: ReturnType<typeof gated>['s']) => void s.clock.tick(minutes(55)), 'expiring'],
    ['the application sends RECOVER', (s: ReturnType<typeof gated>['s']) => s.send('RECOVER'), 'requested'],
  ])('stays open until its replacement is admitted, when %s', async (_, begin, reason) => {
    const { s, flow, asked, admit, inside } = await open()
    begin(s)
    s.clock.tick(minutes(4))
    expect([s.state, s.context.admission, s.transport.running]).toEqual(['connected.ready', 'awaited', 1])
    expect(s.tokens, 'a token would only grow old').toHaveLength(1)
    expect(flow, 'messages flow').toEqual(['open'])

    admit()
    expect([s.state, s.tokens.at(-1)!.reason]).toEqual(['refreshingToken.online', reason])
    s.tokens.at(-1)!.resolve(hours(1))
    await settle()
    expect([s.state, s.context.admission, s.transport.connections.length]).toEqual(['connecting', 'granted', 2])
    expect([asked.length, s.transport.running]).toEqual([2, 1])
    s.transport.current.open()
    await settle()
    expect([s.state, s.context.admission, inside()]).toEqual(['connected.ready', 'none', 0])
    expect(flow).toEqual(['open', 'closed', 'open'])
    expect(s.heard('connectionInterrupted')).toEqual([])
  })

  test('waits for admission without a credentials source too', async () => {
    const { s, admit } = await open({})
    s.send('RECOVER')
    expect([s.state, s.context.admission, s.transport.connections.length]).toEqual(['connected.ready', 'awaited', 1])
    admit()
    expect([s.state, s.transport.connections.length, s.transport.running]).toEqual(['connecting', 2, 1])
    expect(s.transport.current.input.generation).toBe(2)
  })

  test('requests admission once for several requests to recover', async () => {
    const { s, asked } = await open()
    for (let n = 0; n < 3; n++) s.send('RECOVER')
    expect(asked).toHaveLength(2)
  })

  test.each<[string, (s: ReturnType<typeof gated>['s']) => void, string]>([
    ['is lost', (s) => s.transport.current.fail(closed), 'reconnecting'],
    ['is disconnected', (s) => s.send('DISCONNECT'), 'disconnected'],
  ])('withdraws its request when it %s meanwhile', async (_, end, state) => {
    const { s, inside } = await open()
    s.clock.tick(minutes(55))
    end(s)
    expect([s.state, s.context.admission, inside()]).toEqual([state, 'none', 0])
  })

  test('keeps its admission when it is lost during the refresh', async () => {
    const { s, asked, admit } = await open()
    s.clock.tick(minutes(55))
    admit()
    s.transport.current.fail(closed)
    expect([s.state, s.context.admission]).toEqual(['refreshingToken.offline', 'granted'])
    s.tokens.at(-1)!.resolve(hours(1))
    await settle()
    expect([s.transport.running, asked.length]).toEqual([1, 2])
  })

  test('releases its admission when the refresh fails, and requests it again after the backoff', async () => {
    const { s, asked, admit, inside } = await open()
    s.clock.tick(minutes(55))
    admit()
    s.tokens.at(-1)!.reject(new TypeError('unreachable'))
    await settle()
    expect([s.state, s.context.admission, inside()]).toEqual(['connected.ready', 'none', 0])
    s.clock.tick(seconds(1))
    expect([s.state, s.context.admission, asked.length]).toEqual(['connected.ready', 'awaited', 3])
  })

  test('is replaced at once when the gate throws', async () => {
    const { s } = await open()
    s.clock.tick(minutes(55))
    s.tell({ type: 'xstate.error.actor.admission', error: new Error('broken') })
    expect(s.state).toBe('refreshingToken.online')
  })

  test('is not replaced when the gate admits without a request', async () => {
    const { s } = await open()
    s.tell({ type: 'admission.granted' })
    expect([s.state, s.transport.connections.length]).toEqual(['connected.ready', 1])
  })
})

test('requests no admission without a gate', () => {
  const s = machineScene()
  s.send('CONNECT')
  expect([s.context.admission, s.transport.running]).toEqual(['none', 1])
})

describe('tells the gate', () => {
  /** A machine with a gate that admits at once and is told what becomes of it. */
  function told(options: SceneOptions = {}) {
    const outcomes: (AdmissionOutcome | undefined)[] = []
    const requests: (AdmissionRequest | undefined)[] = []
    const gate = {
      ask: (admit: () => void, request?: AdmissionRequest) => {
        requests.push(request)
        admit()
        return (outcome?: AdmissionOutcome) => void outcomes.push(outcome)
      },
    }
    const admission = fromCallback(({ self, sendBack }) =>
      visit({
        gate,
        machine: self._parent!,
        servers: ['mqtt://a:1883'],
        admit: () => sendBack({ type: 'admission.granted' }),
        onThrow: (error) => expect.unreachable(String(error)),
      }),
    )
    const s = machineScene({ ...options, input: { gated: true, ...options.input }, actors: { admission } })
    s.send('CONNECT')
    return { s, outcomes, requests }
  }

  const silent = () => {}

  test.each<[string, SceneOptions, (s: ReturnType<typeof told>['s']) => unknown, AdmissionOutcome]>([
    ['is ready', {}, (s) => s.transport.current.open(), { type: 'ready' }],
    ['fails', {}, (s) => s.transport.current.fail(closed), { type: 'failed', failure: closed, retryIn: 1_000 }],
    [
      'takes too long',
      {},
      (s) => s.clock.tick(seconds(30)),
      { type: 'failed', failure: { kind: 'timeout', phase: 'connect' }, retryIn: 1_000 },
    ],
    [
      'is lost before its subscriptions are restored',
      { sync: silent },
      (s) => (s.transport.current.open(), s.transport.current.fail(closed)),
      { type: 'failed', failure: closed, retryIn: 1_000 },
    ],
    [
      'is refused for good',
      {},
      (s) => s.transport.current.fail({ kind: 'refused', protocolVersion: 5, reasonCode: 0x8a }),
      { type: 'failed', failure: { kind: 'refused', protocolVersion: 5, reasonCode: 0x8a }, retryIn: 0 },
    ],
    ['is disconnected', {}, (s) => s.send('DISCONNECT'), { type: 'withdrawn' }],
    [
      'is disconnected before its subscriptions are restored',
      { sync: silent },
      (s) => (s.transport.current.open(), s.send('DISCONNECT')),
      { type: 'withdrawn' },
    ],
    ['is stopped', {}, (s) => s.actor.stop(), { type: 'withdrawn' }],
    [
      'is stopped before its subscriptions are restored',
      { sync: silent },
      (s) => (s.transport.current.open(), s.actor.stop()),
      { type: 'withdrawn' },
    ],
    [
      'is redirected',
      { input: { redirect: { allow: () => true } } },
      (s) =>
        s.transport.current.fail({ kind: 'refused', protocolVersion: 5, reasonCode: 0x9c, serverReference: 'other' }),
      { type: 'withdrawn' },
    ],
  ])('when an attempt %s', (_, options, end, outcome) => {
    const { s, outcomes } = told(options)
    expect([s.context.admission, outcomes]).toEqual(['granted', []])
    end(s)
    expect(outcomes).toEqual([outcome])
  })

  test('nothing of success when a renewal fails and the connection stays', async () => {
    const { s, outcomes } = told({ input: { canRefresh: true } })
    s.tokens[0]!.resolve(hours(1))
    await settle()
    s.transport.current.open()
    s.clock.tick(minutes(55))
    s.tokens.at(-1)!.reject(new TypeError('unreachable'))
    await settle()
    expect([s.state, outcomes]).toEqual(['connected.ready', [{ type: 'ready' }, { type: 'withdrawn' }]])
  })

  test('its servers, and how to end its backoff', () => {
    const { s, requests } = told()
    s.transport.current.fail(closed)
    expect(s.state).toBe('reconnecting')
    requests[0]!.wake()
    expect([s.state, s.context.attempt]).toEqual(['connecting', 1])
    expect(requests).toEqual([requests[0], requests[0]])
    expect(requests[1]!.wake, 'the same for each attempt').toBe(requests[0]!.wake)
    expect(requests[0]!.servers).toEqual(['mqtt://a:1883'])
    s.transport.current.open()
    s.send('DISCONNECT')
    requests[0]!.wake()
    s.actor.stop()
    requests[0]!.wake()
    expect(s.state).toBe('disconnected')
  })
})

test('keeps its admission until its subscriptions are restored', () => {
  const gate = gated({ sync: () => {} })
  gate.s.send('CONNECT')
  gate.admit()
  gate.s.transport.current.open()
  expect([gate.s.state, gate.s.context.admission, gate.inside]).toEqual(['connected.restoring', 'granted', 1])
  gate.s.rounds.at(-1)!.settle()
  expect([gate.s.state, gate.s.context.admission, gate.inside]).toEqual(['connected.ready', 'none', 0])
})
