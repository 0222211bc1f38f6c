import { describe, expect, test } from 'vitest'
import { fromCallback } from 'xstate'

import type { Failure } from '../../machines/failure.ts'
import type { FakeConnection } from '../../testing/fake-transport.ts'
import {
  closed,
  hours,
  machineScene,
  minutes,
  readyScene,
  seconds,
  settle,
  type Scene,
  type SceneOptions,
} from '../support/machine-scene.ts'

const silentGate = fromCallback(() => {})
const opens = (connection: FakeConnection) => connection.open(true, true)
const notAuthorized: Failure = { kind: 'disconnected', reasonCode: 0x87, reauthenticating: true }
const protocolError: Failure = { kind: 'disconnected', reasonCode: 0x82, reauthenticating: true }
const source: SceneOptions = { input: { canRefresh: true }, transport: opens, refresh: (r) => r.resolve(hours(1)) }

/** Passes until the next planned renewal has its new credentials. */
async function renew(s: Scene) {
  s.clock.tick(minutes(55))
  await settle()
}

const reauthentications = (connection: FakeConnection) =>
  connection.commands.filter(({ type }) => type === 'REAUTHENTICATE').length

describe('a connection with an Authentication Method', () => {
  test('renews its credentials again and again, each time before they expire', async () => {
    const flow: string[] = []
    const actions = { pausePublishing: () => void flow.push('paused') }
    const s = await readyScene({ ...source, actions })
    for (let n = 1; n <= 3; n++) {
      await renew(s)
      expect(s.state).toBe('connected.reauthenticating')
      expect(s.actor.getSnapshot().hasTag('ready'), 'messages flow').toBe(true)
      expect(reauthentications(s.transport.current)).toBe(n)
      s.transport.current.reauthenticated()
      expect(s.state).toBe('connected.ready')
      expect(s.context).toMatchObject({ reauthentication: 'works', counters: { reauthentications: n, connects: 1 } })
    }
    expect(s.transport.connections).toHaveLength(1)
    expect(s.rounds, 'subscriptions are not restored again').toHaveLength(1)
    expect(flow).toEqual([])
    expect(s.heard('reauthenticated').map(({ at, expiresAt }) => [at, expiresAt])).toEqual(
      [1, 2, 3].map((n) => [n * minutes(55), expect.any(Number)]),
    )
    expect(s.heard('connectionInterrupted')).toEqual([])
  })

  test('counts as stable when the new credentials have been used for a while', async () => {
    const s = await readyScene(source)
    await renew(s)
    s.transport.current.reauthenticated()
    expect(s.context.credentials.status).toBe('fresh')
    s.clock.tick(seconds(30))
    expect(s.context.credentials.status).toBe('proven')
  })

  test.each<[string, Failure, 'refused' | 'untried']>([
    ['refuses the credentials', notAuthorized, 'untried'],
    ['does not take AUTH', protocolError, 'refused'],
    ['closes', { kind: 'closed', reauthenticating: true }, 'refused'],
    ['is not trusted', { kind: 'authentication', step: 'verify', name: 'Error' }, 'untried'],
  ])('is replaced without a pause if the server %s', async (_, failure, reauthentication) => {
    const s = await readyScene(source)
    await renew(s)
    s.transport.current.fail(failure)
    expect(s.path.slice(-3)).toEqual(['connecting', 'connected.restoring', 'connected.ready'])
    expect(s.transport.connections).toHaveLength(2)
    expect(s.heard('reauthenticationFailed')).toMatchObject([{ failure }])
    expect(s.heard('connectionInterrupted'), 'planned').toEqual([])
    expect(s.context).toMatchObject({
      reauthentication,
      counters: { reauthentications: 0, failedReauthentications: 1, interruptions: 0, tokenRefreshes: 2 },
    })

    await renew(s)
    expect(reauthentications(s.transport.connections[1]!), 'tries again').toBe(reauthentication === 'untried' ? 1 : 0)
    expect(s.transport.connections).toHaveLength(reauthentication === 'untried' ? 2 : 3)
  })

  test('is replaced if the server does not answer', async () => {
    const s = await readyScene({ ...source, input: { canRefresh: true, timeouts: { authenticationTimeout: 500 } } })
    await renew(s)
    s.clock.tick(499)
    expect(s.state).toBe('connected.reauthenticating')
    s.clock.tick(1)
    expect(s.state).toBe('connected.ready')
    expect(s.transport.connections.map(({ stopped }) => stopped)).toEqual([true, false])
    const failure = { kind: 'timeout', phase: 'authentication' }
    expect(s.heard('reauthenticationFailed')).toMatchObject([{ failure }])
    expect(s.context.reauthentication).toBe('refused')
  })

  test('tries again after a failure if the server has renewed credentials before', async () => {
    const s = await readyScene(source)
    await renew(s)
    s.transport.current.reauthenticated()
    await renew(s)
    s.transport.current.fail(protocolError)
    await renew(s)
    expect(s.state).toBe('connected.reauthenticating')
    expect(s.context.counters).toMatchObject({ reauthentications: 1, failedReauthentications: 1 })
  })

  test.each<[string, Failure, string]>([
    ['was lost', closed, 'reconnecting'],
    ['was ended for another reason', { kind: 'disconnected', reasonCode: 0x8b }, 'reconnecting'],
    ['was taken over', { kind: 'disconnected', reasonCode: 0x8e }, 'failed'],
    ['is for the wrong account', { kind: 'authentication', step: 'start', name: 'InvalidCredentialsError' }, 'failed'],
  ])('is treated as usual if it %s meanwhile', async (_, failure, state) => {
    const s = await readyScene(source)
    await renew(s)
    s.transport.current.fail(failure)
    expect(s.state).toBe(state)
    expect(s.heard('connectionInterrupted')).toHaveLength(1)
    expect(s.context.reauthentication).toBe('untried')
  })

  test('is replaced on RECOVER, which asks for a new client', async () => {
    const s = await readyScene(source)
    s.send('RECOVER')
    await settle()
    expect(s.state).toBe('connected.ready')
    expect(s.transport.connections).toHaveLength(2)
    expect(reauthentications(s.transport.connections[0]!)).toBe(0)
  })

  test('is renewed without the gate, which is asked for a replacement only', async () => {
    const s = machineScene({ ...source, input: { canRefresh: true, gated: true }, actors: { admission: silentGate } })
    s.send('CONNECT')
    await settle()
    s.tell({ type: 'admission.granted' })
    expect(s.state).toBe('connected.ready')
    await renew(s)
    expect(s.state).toBe('connected.reauthenticating')
    expect(s.context.admission).toBe('none')
    s.transport.current.fail(protocolError)
    expect(s.state).toBe('connecting')
    expect(s.context.admission).toBe('awaited')
  })

  test('closes on DISCONNECT meanwhile', async () => {
    const s = await readyScene(source)
    await renew(s)
    s.send('DISCONNECT')
    await settle()
    expect(s.state).toBe('disconnected')
    expect(s.clock.pending).toBe(0)
  })

  test('is lost with its process: a restored machine asks for credentials', async () => {
    const s = await readyScene(source)
    await renew(s)
    const snapshot = JSON.parse(JSON.stringify(s.actor.getPersistedSnapshot()))
    const restored = machineScene({ ...source, snapshot, transport: undefined })
    await settle()
    expect(restored.path).toEqual(['refreshingToken.offline', 'connecting'])
    expect(restored.context.reauthenticates).toBe(false)
  })
})

test('a connection without an Authentication Method is replaced, as before', async () => {
  const s = await readyScene({ ...source, transport: (connection) => connection.open() })
  await renew(s)
  expect(s.state).toBe('connected.ready')
  expect(s.transport.connections).toHaveLength(2)
  expect(reauthentications(s.transport.connections[0]!)).toBe(0)
})
