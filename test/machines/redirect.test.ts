import { describe, expect, test } from 'vitest'

import type { ConnectionInput } from '../../machines/config.ts'
import type { Failure } from '../../machines/failure.ts'
import { closed, moved, readyScene, machineScene, seconds, settle } from '../support/machine-scene.ts'

const anywhere: ConnectionInput = { redirect: { allow: () => true } }
const sentAway = (reasonCode: number): Failure => ({ kind: 'disconnected', reasonCode })
const useAnother = (serverReference: string): Failure => ({ kind: 'disconnected', reasonCode: 0x9c, serverReference })

describe('a Server Reference', () => {
  test('is not followed unless it is allowed, because credentials would be sent there', () => {
    const s = machineScene({ transport: (connection) => connection.fail(moved) })
    s.send('CONNECT')
    expect(s.state).toBe('reconnecting')
    expect(s.context.server).toMatchObject({ redirect: null, hops: 0 })
  })

  test('is followed at once when it is allowed', () => {
    const s = machineScene({ input: anywhere })
    s.send('CONNECT')
    s.transport.current.fail(moved)
    expect(s.state).toBe('connecting')
    expect(s.transport.current.input.server).toMatchObject({ redirect: 'other:1883', hops: 1 })
    expect(s.context).toMatchObject({ attempt: 0, counters: { redirects: 1 } })
    expect(s.transport.running).toBe(1)
  })

  test('is followed in a DISCONNECT too', async () => {
    const s = await readyScene({ input: anywhere })
    s.transport.current.fail(useAnother('other:1883'))
    expect(s.transport.current.input.server.redirect).toBe('other:1883')
    expect(s.heard('connectionInterrupted')).toHaveLength(1)
  })

  test('is followed during a planned renewal with the present credentials', async () => {
    const s = await readyScene({ input: { ...anywhere, canRefresh: true } })
    s.send('RECOVER')
    s.transport.current.fail(useAnother('other:1883'))
    expect(s.state).toBe('connecting')
    expect(s.transport.current.input.server.redirect).toBe('other:1883')
    expect(s.tokens.at(-1)!.aborted).toBe(true)
  })

  test('is passed to `allow`, which decides', () => {
    const seen: string[] = []
    const allow = (server: string) => {
      seen.push(server)
      return server.endsWith('.example')
    }
    const s = machineScene({ input: { redirect: { allow } } })
    s.send('CONNECT')
    s.transport.current.fail({ ...moved, serverReference: 'evil:1883' } as Failure)
    expect(s.state).toBe('reconnecting')
    s.clock.tick(seconds(1))
    s.transport.current.fail({ ...moved, serverReference: 'b.example' } as Failure)
    expect(s.state).toBe('connecting')
    expect(new Set(seen)).toEqual(new Set(['evil:1883', 'b.example']))
  })

  test('is not followed if `allow` throws', () => {
    const allow = () => {
      throw new Error('broken')
    }
    const s = machineScene({ input: { redirect: { allow } }, transport: (connection) => connection.fail(moved) })
    s.send('CONNECT')
    expect(s.state).toBe('reconnecting')
    expect(s.errors).toEqual([])
  })

  test('leads to the next server of the list after the backoff if it is missing', () => {
    const s = machineScene({
      input: anywhere,
      transport: (c) => c.fail({ kind: 'refused', protocolVersion: 5, reasonCode: 0x9d }),
    })
    s.send('CONNECT')
    expect(s.state).toBe('reconnecting')
    expect(s.context.server).toMatchObject({ index: 1, redirect: null, hops: 0, visited: [], redirectedAt: null })
  })
})

describe('two servers that redirect to each other', () => {
  const pingPong: Parameters<typeof machineScene>[0] = {
    input: anywhere,
    transport: (c) => c.fail(useAnother(c.input.server.redirect === 'b' ? 'a' : 'b')),
  }

  test.each([
    // The servers refer to each other: a loop.
    [undefined, 2],
    [1, 1],
    [0, 0],
  ])('maxHops %s: %d hops, then the backoff', (maxHops, hops) => {
    const redirect = { ...anywhere.redirect, ...(maxHops === undefined ? {} : { maxHops }) }
    const s = machineScene({ ...pingPong, input: { redirect } })
    s.send('CONNECT')
    expect(s.state).toBe('reconnecting')
    expect(s.transport.connections).toHaveLength(1 + hops)
    expect(s.context.attempt).toBe(1)
  })

  test('the hop count is not reset by the next attempt', () => {
    const s = machineScene(pingPong)
    s.send('CONNECT')
    const before = s.transport.connections.length
    s.clock.tick(seconds(1))
    expect(s.transport.connections).toHaveLength(before + 1)
  })

  test('the hop count is reset by a stable connection', async () => {
    const s = await readyScene({ input: anywhere })
    for (let n = 0; n < 20; n++) {
      s.clock.tick(seconds(30))
      s.transport.current.fail(useAnother('other:1883'))
      expect(s.state).toBe('connecting')
      expect(s.context.server.hops).toBe(1)
      s.transport.current.open()
    }
  })
})

describe('the server list', () => {
  test('a failed attempt is followed by one at the next server', () => {
    const s = machineScene({ transport: (connection) => connection.fail() })
    s.send('CONNECT')
    s.clock.tick(seconds(7))
    expect(s.transport.connections.map(({ input }) => input.server.index)).toEqual([0, 1, 2, 3])
  })

  test.each<[string, number, Failure, number]>([
    ['was stable and is lost', 30_000, closed, 0],
    ['was not stable and is lost', 29_999, closed, 1],
    ['was stable and delivers nothing', 30_000, { kind: 'timeout', phase: 'traffic' }, 1],
    ['was stable and is redirected', 30_000, sentAway(0x9c), 1],
    ['was stable and is redirected permanently', 30_000, sentAway(0x9d), 1],
    ['was stable and is redirected to a server that is not allowed', 30_000, useAnother('evil:1883'), 1],
    ['was not stable and is redirected', 0, sentAway(0x9c), 1],
  ])(
    'a connection that %s (after %d ms) is followed by one to the right server',
    async (...[, lived, failure, index]) => {
      const s = await readyScene()
      s.clock.tick(lived)
      s.transport.current.fail(failure)
      s.clock.tick(seconds(1))
      expect(s.transport.current.input.server).toMatchObject({ index, redirect: null })
    },
  )

  test('a server that accepts and drops each connection is followed by the next server', () => {
    const s = machineScene({ transport: (connection) => connection.open() })
    s.send('CONNECT')
    for (let n = 0; n < 4; n++) {
      s.clock.tick(30)
      s.transport.current.fail()
      s.clock.tick(s.context.delay)
    }
    expect(s.transport.connections.map(({ input }) => input.server.index)).toEqual([0, 1, 2, 3, 4])
  })

  test('a failed refresh does not change the server', async () => {
    const s = machineScene({
      input: { canRefresh: true },
      refresh: (request) => request.reject(new TypeError('unreachable')),
    })
    s.send('CONNECT')
    await settle()
    expect(s.state).toBe('reconnecting')
    expect(s.context.server.index).toBe(0)
  })

  test.each([
    ['stable is followed by one to the same server', 30, 'other:1883'],
    ['not stable is followed by one to the server of the list', 29, null],
  ])('a connection that was redirected, and lost when it was %s', async (_, lived, redirect) => {
    const s = await readyScene({ input: anywhere })
    s.clock.tick(seconds(30))
    s.transport.current.fail(useAnother('other:1883'))
    s.transport.current.open()
    s.clock.tick(seconds(lived))
    s.transport.current.fail()
    s.clock.tick(seconds(1))
    expect(s.transport.current.input.server).toMatchObject({ redirect, index: redirect === null ? 1 : 0 })
  })

  test('a failed attempt at a redirect is followed by one to the server of the list', () => {
    const s = machineScene({ input: anywhere })
    s.send('CONNECT')
    s.transport.current.fail(moved)
    s.transport.current.fail()
    s.clock.tick(seconds(1))
    expect(s.transport.current.input.server).toMatchObject({ redirect: null, index: 1 })
  })
})
