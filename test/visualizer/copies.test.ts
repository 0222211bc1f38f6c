import { createRequire } from 'node:module'
import { expect, test } from 'vitest'
import type * as XState from 'xstate'
import { createActor, setup } from 'xstate'

import { openViewer, startVisualizer } from './viewer.ts'

/** A second copy of XState, as two packages with different versions would load it. */
function anotherXState(): typeof XState {
  const require = createRequire(import.meta.url)
  const entry = require.resolve('xstate')
  for (const file of Object.keys(require.cache)) if (file.includes('/xstate/')) delete require.cache[file]
  const copy = require(entry) as typeof XState
  for (const file of Object.keys(require.cache)) if (file.includes('/xstate/')) delete require.cache[file]
  return copy
}

/** A machine with a child, made with one copy of XState. */
function family(xstate: Pick<typeof XState, 'setup' | 'createActor'>, id: string, inspect: (event: any) => void) {
  const child = xstate.setup({}).createMachine({ id: `child of ${id}`, initial: 'on', states: { on: {} } })
  const machine = xstate.setup({ actors: { child } }).createMachine({
    id,
    invoke: { id: 'child', src: 'child' },
    initial: 'off',
    states: { off: { on: { PRESS: 'on' } }, on: { on: { PRESS: 'off' } } },
  })
  return xstate.createActor(machine, { inspect }).start()
}

test('distinguishes actors of several copies of XState, which all count from x:0', async () => {
  const visualizer = await startVisualizer()
  const copies = [{ setup, createActor }, anotherXState(), anotherXState()]
  const actors = copies.map((xstate, index) => family(xstate, `machine ${index}`, visualizer.inspect))
  expect(actors[1]?.sessionId, 'the ids collide').toBe(actors[2]?.sessionId)
  actors[2]?.send({ type: 'PRESS' })

  const viewer = await openViewer(visualizer)
  const told = viewer.of('@xstate.actor').slice(0, 6)
  const roots = told.filter(({ name }) => name.startsWith('machine '))
  expect(roots.map(({ name, snapshot }) => [name, snapshot.value])).toEqual([
    ['machine 0', 'off'],
    ['machine 1', 'off'],
    ['machine 2', 'on'],
  ])
  expect(new Set(told.map(({ sessionId }) => sessionId)).size).toBe(6)
  for (const { sessionId, rootId, snapshot } of roots) {
    expect(rootId).toBe(sessionId)
    const child = told.find((actor) => actor.parentId === sessionId)
    expect(child).toMatchObject({ name: 'child', rootId: sessionId })
    expect(snapshot.children.child.sessionId).toBe(child?.sessionId)
  }
})
