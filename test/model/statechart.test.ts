import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { assign } from 'xstate'

import { connectionSetup } from '../../machines/connection/setup.ts'
import { connectionMachine } from '../../machines/index.ts'
import { explore } from '../../measure/model/explore.ts'
import { describe as inWords } from '../../measure/model/graph.ts'
import { models, small, type Model } from '../../measure/model/models.ts'
import type { Machine } from '../../measure/model/runner.ts'
import { explored, modelRow, propertyNames } from '../../measure/model/table.ts'

const page = readFileSync(new URL('../../docs/machine.md', import.meta.url), 'utf8')

/** Says how to update the page if it does not have these lines. */
function expectOnPage(lines: readonly string[]) {
  const missing = lines.filter((line) => !page.includes(line))
  expect(missing.length > 0 && { missing, update: 'npm run figures -- --model' }).toBe(false)
}

/** Visits all states, and fails with the shortest way to a violation. */
function visitAll(model: Model) {
  const exploration = explore(connectionMachine, model)
  expect(exploration.violation && inWords(exploration.violation)).toBeUndefined()
  return explored(model.name, exploration)
}

test(`every state holds its promises: ${small.name}`, () => {
  const { states, steps, name, checked } = visitAll(small)
  // Every property says something about some state.
  expect(Object.keys(checked).toSorted()).toEqual(propertyNames.toSorted())
  expectOnPage([modelRow({ name, states, steps }), ...propertyNames.map((property) => `| ${property} |`)])
})

test.each(models.filter((model) => model !== small && !model.slow).map((model) => [model.name, model]))(
  'every state holds its promises: %s',
  { timeout: 240_000 },
  (_name, model) => expectOnPage([modelRow(visitAll(model as Model))]),
)

test('fails if the machine accepts an event that the model does not send', () => {
  const machine = changed({ on: { ...connectionMachine.config.on, 'weather.changed': { actions: 'startOver' } } })
  expect(() => explore(machine, small)).toThrow(
    'The model never sends weather.changed: say in measure/model/environment.ts when it can happen',
  )
})

test('fails if the machine starts an actor that the model does not know', () => {
  const machine = changedState('connecting', { invoke: { id: 'observer', src: 'subscriptions' } })
  expect(explore(machine, small).violation?.detail).toContain("The model does not know the actor 'observer'")
})

test('fails, and names the property, if a part of the context grows without end', () => {
  let wakes = 0
  const machine = connectionMachine.provide({ actions: { probe: assign(() => ({ extra: wakes++ }) as object) } })
  expect(() => explore(machine, small, 300)).toThrow("'extra' in the context has")
})

/** Each of these machines has one fault. */
describe('finds a fault, and the shortest way to it', () => {
  const gated: Model = { ...small, input: { ...small.input, gated: true } }
  const fewest: Model = { ...small, input: { ...small.input, recovery: { enabled: false } } }
  const { connecting } = connectionMachine.config.states ?? {}

  test.each<[string, Machine, Model, string]>([
    [
      'a transport outlives its attempt',
      connectionMachine.provide({ actions: { goOffline: () => {} } }),
      small,
      `Violated: waiting and resting states have no transport, no place at the gate and ask for no credentials
  there is transport
  1. CONNECT → connecting
  2. DISCONNECT → disconnecting
  3. lost: retry → disconnected`,
    ],
    [
      'the place at the gate is kept',
      connectionMachine.provide({ actions: { releaseAdmission: () => {} } }),
      gated,
      `Violated: waiting and resting states have no transport, no place at the gate and ask for no credentials
  there is admission
  1. CONNECT → connecting
  2. DISCONNECT → disconnected`,
    ],
    [
      'attempts are not limited',
      connectionMachine.provide({ guards: { attemptsLeft: () => true } }),
      small,
      `Violated: attempts, cycles and hops stay within their limits, and a timer takes each delay
  attempt 2
  1. CONNECT → connecting
  2. refused: retry → reconnecting
  3. after.reconnectDelay.reconnecting → connecting
  4. refused: retry → reconnecting`,
    ],
    [
      'a delay is not a number',
      connectionMachine.provide({ delays: { connectTimeout: () => Number.NaN } }),
      small,
      `Violated: attempts, cycles and hops stay within their limits, and a timer takes each delay
  a delay of NaN ms
  1. CONNECT → connecting`,
    ],
    [
      'publishes flow into a connection that is lost',
      connectionMachine.provide({ actions: { quiesce: () => {} } }),
      small,
      `Violated: publishes flow in \`ready\` states, and only there
  they flow
  1. CONNECT → connecting
  2. transport.opened → connected.restoring
  3. subscriptions.restored → connected.ready
  4. DISCONNECT → disconnecting`,
    ],
    [
      'an attempt has no time limit',
      changedState('connecting', { after: {} }),
      small,
      `Violated: each state that is neither resting nor ready ends by a timer; \`connected.restoring\` by that of the subscriptions
  no timer is pending
  1. CONNECT → connecting`,
    ],
    [
      'it gives up twice',
      changedState('failed', { entry: ['goOffline', 'announceFailed', 'announceFailed', 'settleWaiting'] }),
      small,
      `Violated: a step announces each event at most once, and giving up once for each time in \`failed\`
  gaveUp was announced twice
  1. CONNECT → connecting
  2. refused: refresh → failed`,
    ],
    [
      'an action throws',
      connectionMachine.provide({
        actions: {
          becauseRequested: assign(() => {
            throw new Error('broken')
          }),
          newClient: assign(() => {
            throw new Error('broken')
          }),
        },
      }),
      small,
      `Violated: no event makes the machine throw, and a persisted snapshot of any state can be restored
  Error: broken
  1. CONNECT → connecting
  2. transport.opened → connected.restoring
  3. RECOVER → connected.restoring`,
    ],
    [
      'a recovery never begins',
      changedState('failed', { after: {} }),
      { ...small, input: { ...small.input, reconnect: { enabled: false } } },
      `Violated: from each state in which a connection is wanted, \`connected.ready\` is reached without a command if the world behaves
  it ends in failed
  1. CONNECT → connecting
  2. refused: retry → failed`,
    ],
    [
      'a connection cannot be ended',
      changedState('connecting', { on: { ...connecting?.on, DISCONNECT: {} } }),
      fewest,
      `Violated: \`DISCONNECT\` leads to \`disconnected\` or \`idle\`, by a timer at the latest
  it ends in connecting
  1. CONNECT → connecting
  2. DISCONNECT → connecting`,
    ],
    [
      'failed attempts are repeated without end',
      changedState('connecting', {
        on: {
          ...connecting?.on,
          'transport.failed': { target: 'connecting', reenter: true, actions: 'recordFailure' },
        },
      }),
      fewest,
      `Violated: without a proof that a connection works, attempts end: no loop leads back to the same state
  the last steps are a loop
  1. CONNECT → connecting
  2. refused: retry → connecting
  3. refused: retry → connecting`,
    ],
  ])('%s', (_, machine, model, expected) => {
    const { violation } = explore(machine, model)
    expect(violation && inWords(violation)).toBe(expected)
  })
})

type Config = typeof connectionMachine.config

/** Returns a copy of the machine, with parts of its statechart replaced. */
function changed(parts: object): Machine {
  return connectionSetup.createMachine({ ...connectionMachine.config, ...parts } as never) as unknown as Machine
}

function changedState(state: keyof NonNullable<Config['states']>, parts: object): Machine {
  const { states } = connectionMachine.config
  return changed({ states: { ...states, [state]: { ...states?.[state], ...parts } } })
}
