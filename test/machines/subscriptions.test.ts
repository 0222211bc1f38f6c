import { describe, expect, test } from 'vitest'

import { minutes, readyScene, machineScene, type Scene, type SceneOptions, seconds } from '../support/machine-scene.ts'

/** Subscriptions that answer only when the test says so. */
function opened(options: SceneOptions = {}, sessionPresent = false) {
  const s = machineScene({ sync: () => {}, ...options })
  s.send('CONNECT')
  s.transport.current.open(sessionPresent)
  return s
}

test('have an actor from the first connection on, which attempts that fail leave alone', () => {
  const s = machineScene()
  const sent = () =>
    s.inspected.filter(
      ({ type, actorRef }) => type === '@xstate.event' && (actorRef as { id?: string }).id === 'subscriptions',
    ).length
  s.send('CONNECT')
  s.transport.current.fail()
  expect([s.state, Object.keys(s.actor.getSnapshot().children), sent()]).toEqual(['reconnecting', [], 0])
  s.clock.tick(seconds(1))
  s.transport.current.open()
  expect(Object.keys(s.actor.getSnapshot().children)).toContain('subscriptions')
  s.transport.current.fail()
  expect(subscriptions(s).getSnapshot()).toMatchObject({ value: 'offline' })
  const before = sent()
  s.clock.tick(seconds(1))
  s.transport.current.fail()
  expect(sent()).toBe(before)
})

const subscriptions = (s: Scene) => s.actor.getSnapshot().children.subscriptions!
const round = (s: Scene) => s.rounds.at(-1)!

describe('restoring', () => {
  test('makes publishes and periodic requests wait until it is done', () => {
    const gate: string[] = []
    const s = opened({ actions: { resumePublishing: () => void gate.push('open') } })
    s.send({ type: 'PERIODIC.START', schedule: { id: 'poll', interval: 1000, jitter: 0, responseTimeout: null } })
    s.clock.tick(seconds(29))
    expect(s.state).toBe('connected.restoring')
    expect([gate, s.requests]).toEqual([[], []])
    round(s).settle({ wanted: 2, held: 2 })
    expect(s.state).toBe('connected.ready')
    expect(gate).toEqual(['open'])
    expect(s.requests).toHaveLength(1)
    expect(s.heard('connected')).toMatchObject([{ restored: 2, refused: 0 }])
  })

  test.each([true, false])('passes to its first round whether the broker kept the session: %s', (sessionPresent) => {
    const s = opened({}, sessionPresent)
    expect(s.rounds).toMatchObject([{ restoring: true, sessionPresent }])
  })

  test('shows its progress', () => {
    const s = opened()
    expect(s.context.restore).toEqual({ done: 0, total: 0 })
    round(s).progress(100, 250)
    expect(s.context.restore).toEqual({ done: 100, total: 250 })
    round(s).progress(250, 250)
    round(s).settle({ wanted: 250, held: 250 })
    expect(s.state).toBe('connected.ready')
    expect(s.context.restore).toEqual({ done: 250, total: 250 })
  })

  test('starts again with each connection', async () => {
    const s = opened()
    round(s).progress(1, 2)
    s.transport.current.fail()
    expect(round(s).stopped).toBe(true)
    s.clock.tick(seconds(1))
    s.transport.current.open()
    expect(s.rounds).toHaveLength(2)
    expect(s.context.restore).toEqual({ done: 0, total: 0 })
  })

  test('ignores reports of a round whose connection was lost', () => {
    const s = opened()
    s.transport.current.fail()
    round(s).settle()
    expect(s.state).toBe('reconnecting')
  })

  test('ends at once without a sync actor', () => {
    const s = machineScene({ sync: (each) => each.settle() })
    s.send('CONNECT')
    s.transport.current.open()
    expect(s.state).toBe('connected.ready')
  })
})

describe('a missing SUBACK', () => {
  test('repeats the SUBSCRIBE once, then replaces the connection', () => {
    const s = opened()
    s.clock.tick(seconds(30) - 1)
    expect(s.rounds).toHaveLength(1)
    s.clock.tick(1)
    expect(s.rounds).toHaveLength(2)
    expect(s.rounds[0]!.stopped).toBe(true)
    expect(s.state, 'the connection stays').toBe('connected.restoring')
    s.clock.tick(seconds(30))
    expect(s.rounds, 'no third').toHaveLength(2)
    expect(s.state).toBe('reconnecting')
    expect(s.context.failure).toEqual({ kind: 'timeout', phase: 'restore' })
    expect(s.transport.running).toBe(0)
    expect(s.heard('connectionInterrupted')).toHaveLength(1)
  })

  test('restarts the timeout for the rest with each SUBACK', () => {
    const s = opened()
    for (let done = 1; done <= 10; done++) {
      s.clock.tick(seconds(29))
      round(s).progress(done, 10)
    }
    expect(s.state).toBe('connected.restoring')
    expect(s.rounds).toHaveLength(1)
  })

  test('is forgotten after an answer to the second SUBSCRIBE', () => {
    const s = opened()
    s.clock.tick(seconds(30))
    round(s).settle()
    expect(s.state).toBe('connected.ready')
    expect(subscriptions(s).getSnapshot()).toMatchObject({ context: { unanswered: 0 } })
  })

  test('has the same effect for a later subscription', async () => {
    const s = await readyScene({ sync: (each) => each.restoring && each.settle() })
    subscriptions(s).send({ type: 'wanted.changed' })
    expect(round(s)).toMatchObject({ restoring: false })
    s.clock.tick(seconds(30))
    expect(s.state).toBe('connected.ready')
    expect(s.rounds).toHaveLength(3)
    s.clock.tick(seconds(30))
    expect(s.state).toBe('reconnecting')
    expect(s.context.failure).toEqual({ kind: 'timeout', phase: 'restore' })
  })

  test('gives up the connection during a planned renewal, which continues', async () => {
    const s = await readyScene({ input: { canRefresh: true }, sync: (each) => each.restoring && each.settle() })
    subscriptions(s).send({ type: 'wanted.changed' })
    s.clock.tick(seconds(45))
    s.send('RECOVER')
    s.clock.tick(seconds(15))
    expect(s.state).toBe('refreshingToken.offline')
    expect(s.transport.running).toBe(0)
  })

  test('counts only in a row: an answer in between resets the count', async () => {
    let answers = true
    const s = await readyScene({ sync: (each) => answers && each.settle() })
    for (let n = 0; n < 5; n++) {
      answers = false
      subscriptions(s).send({ type: 'wanted.changed' })
      s.clock.tick(seconds(30))
      round(s).settle()
      expect(s.state).toBe('connected.ready')
    }
  })

  test.each([Number.POSITIVE_INFINITY, Number.NaN])(
    'makes no hot loop with a subscribeTimeout of %d',
    (subscribeTimeout) => {
      const s = opened({ input: { timeouts: { subscribeTimeout } } })
      s.clock.tick(minutes(60))
      expect(s.rounds).toHaveLength(1)
    },
  )
})

describe('a filter that the broker refuses', () => {
  test('does not delay the others', () => {
    const s = opened()
    round(s).settle({ wanted: 3, held: 2, refused: 1, retryable: 1 })
    expect(s.state).toBe('connected.ready')
    expect(s.heard('connected')).toMatchObject([{ restored: 2, refused: 1 }])
  })

  test('is tried again after a backoff, while the connection stays', () => {
    const s = opened({ sync: (each) => each.settle({ wanted: 1, refused: 1, retryable: 1 }) })
    const times = [s.time]
    for (let n = 0; n < 8; n++) {
      const before = s.rounds.length
      while (s.rounds.length === before) s.clock.next()
      times.push(s.time)
    }
    const gaps = times.slice(1).map((time, index) => (time - times[index]!) / 1000)
    expect(gaps).toEqual([1, 2, 4, 8, 16, 32, 60, 60])
    expect(s.rounds.slice(1).every(({ restoring }) => !restoring)).toBe(true)
    expect(s.state).toBe('connected.ready')
    expect(s.transport.connections).toHaveLength(1)
    expect(s.heard('connected'), 'told once').toHaveLength(1)
  })

  test('is not tried again if its refusal is final', () => {
    const s = opened()
    round(s).settle({ wanted: 1, refused: 1, retryable: 0 })
    s.clock.tick(minutes(60))
    expect(s.rounds).toHaveLength(1)
  })

  test('is tried at once together with a new subscription', () => {
    const s = opened({ sync: (each) => each.settle({ wanted: 1, refused: 1, retryable: 1 }) })
    subscriptions(s).send({ type: 'wanted.changed' })
    expect(s.rounds).toHaveLength(2)
  })

  test('starts its backoff again once no filter is refused', () => {
    let refused = 1
    const s = opened({ sync: (each) => each.settle({ wanted: 1, refused, retryable: refused }) })
    s.clock.tick(seconds(1))
    s.clock.tick(seconds(2))
    refused = 0
    s.clock.tick(seconds(4))
    expect(s.rounds).toHaveLength(4)
    refused = 1
    subscriptions(s).send({ type: 'wanted.changed' })
    s.clock.tick(seconds(1))
    expect(s.rounds).toHaveLength(6)
  })

  test('is not tried again after the end of the connection', () => {
    const s = opened()
    round(s).settle({ wanted: 1, refused: 1, retryable: 1 })
    s.send('DISCONNECT')
    expect(s.clock.pending).toBe(0)
  })
})

describe('a new subscription', () => {
  test('sends the difference while connected', async () => {
    const s = await readyScene()
    subscriptions(s).send({ type: 'wanted.changed' })
    expect(s.rounds).toHaveLength(2)
    expect(round(s)).toMatchObject({ restoring: false })
  })

  test('waits for the connection while offline', async () => {
    const s = await readyScene()
    s.transport.current.fail()
    subscriptions(s).send({ type: 'wanted.changed' })
    expect(s.rounds).toHaveLength(1)
    s.clock.tick(seconds(1))
    s.transport.current.open()
    expect(s.rounds).toHaveLength(2)
  })
})
