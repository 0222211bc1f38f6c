import { describe, expect, test } from 'vitest'
import { createMachine } from 'xstate'

import { connectionMachine } from '../../machines/index.ts'
import { labelOf } from '../../visualizer/chart/layout.ts'
import { activeIds, chartOf, eventWords, parseChart, transitionKey } from '../../visualizer/chart/model.ts'
import { bestLayout } from '../../visualizer/page/src/chart/best-layout.ts'

function chart(config: Parameters<typeof createMachine>[0], commands: string[] = []) {
  const made = chartOf(JSON.parse(JSON.stringify(createMachine(config).config)), commands)
  if (!made) throw new Error('no chart')
  return made
}

const edges = (made: ReturnType<typeof chart>) =>
  made.edges.map(
    (edge) =>
      `${edge.id}: ${labelOf(edge)
        .map(({ text }) => text)
        .join(', ')}`,
  )

describe('a chart of a definition', () => {
  test('resolves targets that are siblings, children, ids, or paths that begin with an id', () => {
    const made = chart({
      id: 'm',
      initial: 'a',
      states: {
        a: { on: { BESIDE: 'b', ID: '#own', PATH: '#own.x', ROOT: '#m.b.c' } },
        b: { initial: 'c', on: { BELOW: '.d' }, states: { c: { on: { UP: '#m.a' } }, d: {} } },
        e: { id: 'own', initial: 'x', states: { x: {} } },
      },
    })
    expect(edges(made)).toEqual([
      'm.a→m.b: BESIDE',
      'm.a→own: ID',
      'm.a→m.e.x: PATH',
      'm.a→m.b.c: ROOT',
      'm.b→m.b.d: BELOW',
      'm.b.c→m.a: UP',
    ])
  })

  test('draws a sequence of guards that several states share as one choice', () => {
    const decide = [{ guard: 'one', target: 'x' }, { guard: 'two', target: 'y' }, { target: 'z' }]
    const made = chart({
      id: 'm',
      initial: 'a',
      states: {
        a: { on: { E: decide } },
        b: { on: { F: [{ guard: 'first', target: 'a' }, ...decide] } },
        x: {},
        y: {},
        z: {},
      },
    })
    expect(edges(made)).toEqual([
      'm.a→choice 1: E',
      'choice 1→m.x: [1 one]',
      'choice 1→m.y: [2 two]',
      'choice 1→m.z: [3 else]',
      'm.b→m.a: F [first]',
      'm.b→choice 1: F [else]',
    ])
    expect(made.paths[transitionKey('m.b', 'F', 2)]).toEqual(['m.b→choice 1#0', 'choice 1→m.y#0'])
  })

  test('lists the transitions of the root, and shows commands as tags', () => {
    const made = chart({ id: 'm', initial: 'a', on: { STOP: '.b' }, states: { a: { on: { GO: 'b' } }, b: {} } }, ['GO'])
    expect(made.anywhere).toMatchObject([{ event: 'STOP', effect: '→ b' }])
    expect(made.edges).toEqual([])
    expect(made.nodes[0]?.rows).toMatchObject([{ event: 'GO', effect: 'command' }])
  })

  test('marks the states of every level of a state value as active, also in parallel states', () => {
    const made = chart({
      id: 'm',
      type: 'parallel',
      states: { p: { initial: 'a', states: { a: {} } }, q: { initial: 'b', states: { b: {}, c: {} } } },
    })
    expect([...activeIds(made, { p: 'a', q: 'c' })]).toEqual(['m.p', 'm.p.a', 'm.q', 'm.q.c'])
  })

  test.each<[definition: string | undefined]>([
    [undefined],
    [''],
    ['{'],
    ['null'],
    ['[]'],
    ['{"id":"transport"}'],
    ['{"id":"m","states":[]}'],
    ['{"id":"m","states":3}'],
  ])('is not made of %s', (definition) => {
    expect(parseChart(definition)).toBeNull()
  })

  test.each([
    '{"id":7,"states":{"a":null,"b":7,"c":{"on":{"E":7,"F":[null,"a",{"target":7}]},"after":"x","invoke":7,"tags":{}}}}',
    '{"states":{"__proto__":{"on":{"constructor":"toString"}},"toString":{}}}',
    '{"id":"m","states":{"a":{"on":{"E":"#nowhere.x"},"always":{"target":".x.y"}}}}',
  ])('is made of a definition with invalid parts: %s', (definition) => {
    expect(parseChart(definition)?.nodes.length).toBeGreaterThan(0)
  })

  test('is not made of ten thousand states', () => {
    const states = Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`s${index}`, {}]))
    expect(parseChart(JSON.stringify({ id: 'm', states }))).toBeNull()
  })

  test('has a path for every transition of the connection machine', () => {
    const made = chartOf(JSON.parse(JSON.stringify(connectionMachine.config)))
    const rows = new Set(
      [...(made?.edges ?? []), ...(made?.nodes ?? [])].flatMap((one) => one.rows.map(({ id }) => id)),
    )
    for (const { id } of made?.anywhere ?? []) rows.add(id)
    for (const [key, path] of Object.entries(made?.paths ?? {})) {
      expect({ key, known: path.length > 0 && path.every((row) => rows.has(row)) }).toEqual({ key, known: true })
    }
  })
})

describe('the layout of a chart', () => {
  const ring = (count: number) => {
    const states = Array.from({ length: count }, (_, index) => [
      `s${index}`,
      { on: { NEXT: `s${(index + 1) % count}` } },
    ])
    return chart({ id: 'm', initial: 's0', states: Object.fromEntries(states) as never })
  }
  const laidOut = (width: number) => Promise.resolve({ width, height: 100, children: [], edges: [] })

  test('is the one of several that is shown largest in the available space', async () => {
    const widths = [3_000, 1_000, 2_000]
    expect(await bestLayout(ring(5), () => laidOut(widths.shift() ?? 0))).toMatchObject({ width: 1_000 })
    expect(widths).toEqual([])
  })

  test('is computed once, with a fast algorithm, if the chart is large', async () => {
    const asked: unknown[] = []
    await bestLayout(ring(60), (input) => {
      asked.push(input.layoutOptions['elk.layered.nodePlacement.strategy'])
      return laidOut(1_000)
    })
    expect(asked).toEqual(['BRANDES_KOEPF'])
  })

  test('is the best one at the end of the available time', async () => {
    let calls = 0
    const run = () => (++calls === 1 ? laidOut(3_000) : new Promise<never>(() => {}))
    expect(await bestLayout(ring(5), run, new Promise((resolve) => setImmediate(resolve)))).toMatchObject({
      width: 3_000,
    })
    await expect(bestLayout(ring(5), () => new Promise(() => {}), Promise.resolve())).rejects.toThrow('too long')
  })
})

test.each([
  ['xstate.after.reconnectDelay.reconnecting', 'after reconnectDelay'],
  ['xstate.after.1500.m.a', 'after 1.5 s'],
  ['xstate.after.20.m.a', 'after 20 ms'],
  ['xstate.done.actor.refresh', 'refresh done'],
  ['xstate.error.actor.transport', 'transport failed'],
  ['xstate.error.actor.*', 'an actor failed'],
  ['xstate.done.state.m.a', 'a done'],
  ['', 'always'],
  ['*', 'any event'],
  ['RETRY', 'RETRY'],
])('%s in words: %s', (type, words) => {
  expect(eventWords(type)).toBe(words)
})
