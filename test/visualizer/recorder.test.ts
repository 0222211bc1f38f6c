import { describe, expect, test } from 'vitest'
import { and, assign, createActor, fromCallback, fromPromise, fromTransition, not, raise, setup } from 'xstate'

import { createTestClock } from '../../testing/index.ts'
import type { HistoryMessage } from '../../visualizer/protocol.ts'
import { Recorder } from '../../visualizer/record/recorder.ts'
import { lamp } from '../support/lamp.ts'

function record(allowCommands = false) {
  const messages: HistoryMessage[] = []
  const recorder = new Recorder({ allowCommands, onRecorded: (recorded) => messages.push(recorded.read()) })
  return { recorder, messages, of: (type: string) => messages.filter((message) => message.type === type) as any[] }
}

describe('transitions', () => {
  test('name the source, the targets, the guard and its place among the candidates', () => {
    const { recorder, of } = record()
    const actor = createActor(lamp, { inspect: recorder.inspect }).start()
    actor.send({ type: 'PRESS' })
    actor.send({ type: 'PRESS' })
    expect(of('@xstate-mqtt.transition').map(({ eventType, transitions }) => [eventType, transitions])).toEqual([
      [
        'PRESS',
        [
          {
            source: 'lamp.off',
            targets: ['lamp.on'],
            eventType: 'PRESS',
            guard: 'worksStill',
            index: 0,
            reenter: false,
          },
        ],
      ],
      ['PRESS', [{ source: 'lamp.on', targets: ['lamp.off'], eventType: 'PRESS', index: 0, reenter: false }]],
    ])
  })

  test('name combined guards, eventless transitions, and later candidates', () => {
    const machine = setup({ guards: { a: () => true, b: () => false } }).createMachine({
      id: 'm',
      initial: 'one',
      states: {
        one: {
          on: {
            GO: [
              { guard: 'b', target: 'three' },
              { guard: and(['a', not('b')]), target: 'two' },
            ],
          },
        },
        two: { always: { guard: 'a', target: 'three' } },
        three: {},
      },
    })
    const { recorder, of } = record()
    createActor(machine, { inspect: recorder.inspect }).start().send({ type: 'GO' })
    const taken = of('@xstate-mqtt.transition').flatMap(({ transitions }) => transitions)
    expect(taken).toMatchObject([
      { source: 'm.one', targets: ['m.two'], guard: 'and(a, not(b))', index: 1 },
      { source: 'm.two', targets: ['m.three'], guard: 'a', eventType: '', index: 0 },
    ])
  })
})

describe('timers', () => {
  test('are told while they run, with their state and how the machine calls them', () => {
    const clock = createTestClock()
    const { recorder, of } = record()
    const actor = createActor(lamp, { inspect: recorder.inspect, clock }).start()
    actor.send({ type: 'PRESS' })
    const [timer] = of('@xstate.snapshot').at(-1).timers
    expect(timer).toMatchObject({
      event: 'xstate.after.untilDark.lamp.on',
      name: 'untilDark',
      state: 'lamp.on',
      delay: 60_000,
    })
    clock.tick(60_000)
    expect(of('@xstate.snapshot').at(-1)).toMatchObject({ timers: [], snapshot: { value: 'off' } })
    actor.send({ type: 'PRESS' })
    actor.send({ type: 'PRESS' })
    expect(of('@xstate.snapshot').at(-1).timers).toEqual([])
  })

  test('of delayed events have no state', () => {
    const machine = setup({}).createMachine({
      entry: raise({ type: 'LATER' }, { delay: 1_000 }),
      on: { LATER: { actions: () => {} } },
    })
    const clock = createTestClock()
    const { recorder, of } = record()
    createActor(machine, { inspect: recorder.inspect, clock }).start()
    expect(of('@xstate.snapshot').at(-1).timers).toMatchObject([{ event: 'LATER', delay: 1_000 }])
    clock.tick(1_000)
    expect(of('@xstate.snapshot').at(-1).timers).toEqual([])
  })
})

describe('actors', () => {
  test('have their name, parent, kind and definition; children are told in the snapshot', async () => {
    const machine = setup({
      actors: {
        work: fromPromise(() => Promise.resolve('planted-secret')),
        listen: fromCallback(() => {}),
        count: fromTransition((count: number) => count + 1, 0),
      },
    }).createMachine({
      id: 'parent',
      initial: 'busy',
      invoke: { id: 'ears', src: 'listen' },
      states: {
        busy: {
          invoke: [
            { id: 'hands', src: 'work', onDone: 'idle' },
            { id: 'sum', src: 'count' },
          ],
        },
        idle: {},
      },
    })
    const { recorder, of } = record()
    const actor = createActor(machine, { inspect: recorder.inspect }).start()
    expect(of('@xstate.actor').map(({ name, kind, parentId }) => [name, kind, parentId])).toEqual([
      ['parent', 'machine', undefined],
      ['ears', 'other', actor.sessionId],
      ['hands', 'other', actor.sessionId],
      ['sum', 'transition', actor.sessionId],
    ])
    expect(Object.keys(of('@xstate.snapshot').at(-1).snapshot.children)).toEqual(['ears', 'hands', 'sum'])
    await new Promise((resolve) => setImmediate(resolve))
    const stopped = of('@xstate.snapshot').filter(({ snapshot }) => snapshot.status !== 'active')
    expect(stopped.map(({ snapshot }) => [snapshot.status, snapshot.output])).toEqual([
      ['stopped', undefined],
      ['done', '[string]'],
    ])
    actor.stop()
    expect([...recorder.actors]).toEqual([])
  })

  test('a definition holds names and structure only', () => {
    const machine = setup({ guards: { fits: (_args, _params: { secret: string }) => true } }).createMachine({
      id: 'm',
      context: { password: 'planted-secret' },
      meta: { note: 'planted-secret' },
      output: 'planted-secret',
      initial: 'a',
      invoke: { src: fromPromise(() => Promise.resolve()), input: { key: 'planted-secret' } } as never,
      entry: [function greet() {}, { type: 'log', params: { text: 'planted-secret' } } as never],
      states: {
        a: {
          tags: ['busy'],
          description: 'see https://host/?sig=planted-secret',
          on: { GO: { guard: { type: 'fits', params: { secret: 'planted-secret' } }, target: 'b' } },
          after: { 500: 'b' },
        },
        b: { type: 'final' },
      },
    })
    const { recorder, of } = record()
    createActor(machine, { inspect: recorder.inspect })
    const [{ definition }] = of('@xstate.actor')
    expect(definition).not.toContain('planted-secret')
    expect(JSON.parse(definition)).toEqual({
      id: 'm',
      initial: 'a',
      invoke: [{ src: 'anonymous' }],
      entry: [{ type: 'greet' }, { type: 'log' }],
      states: {
        a: {
          tags: ['busy'],
          description: 'see https://host/?[redacted]',
          on: { GO: { guard: { type: 'fits' }, target: 'b' } },
          after: { 500: 'b' },
        },
        b: { type: 'final' },
      },
    })
  })

  test('errors of an actor have a name only', async () => {
    const machine = setup({}).createMachine({
      context: { n: 0 },
      on: {
        BREAK: {
          actions: assign(() => {
            throw new RangeError('planted-secret')
          }),
        },
      },
    })
    const { recorder, messages, of } = record()
    const actor = createActor(machine, { inspect: recorder.inspect })
    actor.subscribe({ error: () => {} })
    actor.start()
    actor.send({ type: 'BREAK' })
    await Promise.resolve()
    expect(of('@xstate.snapshot').at(-1).snapshot).toMatchObject({ status: 'error', error: { name: 'RangeError' } })
    expect(JSON.stringify(messages)).not.toContain('planted-secret')
  })

  test('one that cannot be shown does not notice', () => {
    const { recorder } = record()
    expect(() => recorder.inspect({ type: '@xstate.snapshot', actorRef: null } as never)).not.toThrow()
    expect(() => recorder.inspect(undefined as never)).not.toThrow()
  })
})
