import { expect, test } from 'vitest'
import { createMachine } from 'xstate'

import { connectionDiagram } from '../../cli/diagram.ts'
import { connectionMachine } from '../../machines/index.ts'
import { listingOf } from '../../visualizer/chart/listing.ts'
import { toMermaid } from '../../visualizer/chart/mermaid.ts'

test('one arrow for two states, with a line for each reason', () => {
  const chain = [{ guard: 'first', target: '#a' }, { guard: 'second', target: '#b' }, { target: '#a' }]
  const machine = createMachine({
    id: 'm',
    initial: 'a',
    on: { STOP: '.c' },
    states: {
      a: { id: 'a', on: { GO: 'b', HOP: { guard: 'may', target: 'b' }, NOTHING: { actions: 'act' } } },
      b: { id: 'b', initial: 'in', after: { 500: chain }, states: { in: { on: { OUT: '#a' } }, rest: {} } },
      c: { after: { slow: [{ guard: 'early', target: '#b' }, ...chain] }, on: { STOP: {}, DEEP: '#m.b.rest' } },
    },
  })
  expect(toMermaid(machine, { decisions: { first: 'decide' } }).split('\n')).toEqual([
    'stateDiagram-v2',
    '  classDef decision stroke-dasharray: 5 5',
    '  [*] --> a',
    '  state b {',
    '    [*] --> b_in',
    '    state "in" as b_in',
    '    state "rest" as b_rest',
    '  }',
    '  state "decide …" as decide',
    '  class decide decision',
    '  a --> b: GO<br/>HOP [may]',
    '  b --> decide: after 500',
    '  b --> a: in: OUT',
    '  c --> b: DEEP → rest<br/>after slow [early]',
    '  c --> decide: after slow',
    '  decide --> a: 1 [first]<br/>3 else',
    '  decide --> b: 2 [second]',
    '  note right of c',
    '    STOP, from every state but c',
    '  end note',
  ])
})

test('the connection machine: each state is there, and each of its transitions is in the chart', () => {
  const { states, transitions } = listingOf(connectionMachine)
  const diagram = connectionDiagram()
  for (const { name } of states) expect(diagram).toMatch(new RegExp(`\\b${name}\\b`))
  expect(transitions).toContainEqual({
    source: 'reconnecting',
    event: 'xstate.after.reconnectDelay.reconnecting',
    label: 'after reconnectDelay',
    guard: 'needsCredentials',
    target: 'refreshingToken',
    actions: ['endWait', 'becauseNeeded'],
  })
  expect(diagram).toContain('decide --> reconnecting: 6 [attemptsLeft]')
  // A hairball is no diagram.
  expect(diagram.match(/-->/g)?.length).toBeLessThan(35)
})
