import { expect, test } from 'vitest'
import { createMachine, type AnyStateNode } from 'xstate'

import { connectionMachine, periodicRequestMachine, subscriptionsMachine } from '../../machines/index.ts'
import { listingOf } from '../../visualizer/chart/listing.ts'

const every = createMachine({
  id: 'every',
  initial: 'a',
  on: { STOP: '.c' },
  states: {
    a: {
      id: 'first',
      tags: 'online',
      always: { guard: 'may', target: 'b' },
      on: {
        GO: [
          { guard: 'may', target: '#inner' },
          { target: 'b', actions: ['act'] },
        ],
        FORBIDDEN: {},
      },
      after: { 500: 'b', slow: { actions: 'act' } },
      invoke: [
        { src: 'work', onDone: 'b', onError: '#every.b.two' },
        { id: 'watch', src: 'watcher', onSnapshot: 'c' },
      ],
    },
    b: {
      initial: 'one',
      onDone: 'c',
      states: { one: { id: 'inner', on: { BACK: '#first' } }, two: { type: 'final' } },
    },
    c: { type: 'parallel', states: { x: {}, y: { on: { SELF: '.deep' }, initial: 'deep', states: { deep: {} } } } },
  },
})

// The listing reads the config, as the page does for machines of other processes. XState itself must agree with it.
test.each([every, connectionMachine, subscriptionsMachine, periodicRequestMachine])(
  'the listing of $id is what XState makes of the config',
  (machine) => {
    const nodes = descendants(machine.root)
    const { states, transitions } = listingOf(machine)
    expect(states.map(({ id, initial }) => [id, initial])).toEqual(
      nodes.map((node) => [pathOf(node), node.parent?.initial?.target.includes(node) ?? false]),
    )
    expect(transitions.map(({ source, event, target }) => [source, event, target])).toEqual(
      [machine.root, ...nodes].flatMap((node) =>
        [...[...node.transitions.values()].flat(), ...(node.always ?? [])].map(({ eventType, target }) => [
          node.parent ? pathOf(node) : null,
          eventType,
          target?.[0] ? pathOf(target[0]) : null,
        ]),
      ),
    )
  },
)

function descendants(node: AnyStateNode): AnyStateNode[] {
  return Object.values(node.states).flatMap((child) => [child, ...descendants(child)])
}

function pathOf(node: AnyStateNode): string {
  return node.path.join('.')
}
