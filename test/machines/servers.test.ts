import { describe, expect, test } from 'vitest'
import { fromCallback } from 'xstate'

import type { ConnectionInput } from '../../machines/config.ts'
import type { Failure } from '../../machines/failure.ts'
import type { FailoverPolicy } from '../../machines/policy/servers.ts'
import { parseServers } from '../../src/config/server-urls.ts'
import { ServerList } from '../../src/lifecycle/server-list.ts'
import {
  busy,
  closed,
  kicked,
  machineScene,
  minutes,
  readyScene,
  type Scene,
  type SceneOptions,
  seconds,
  settle,
} from '../support/machine-scene.ts'

const refused: Failure = { kind: 'socket', code: 'ECONNREFUSED', message: 'refused' }
const moves = (serverReference: string, reasonCode = 0x9d): Failure => ({
  kind: 'refused',
  protocolVersion: 5,
  reasonCode,
  serverReference,
})

const anywhere: ConnectionInput = { redirect: { allow: () => true } }

interface ServersSceneOptions extends SceneOptions {
  readonly servers?: readonly (string | { url: string; priority?: number; weight?: number })[]
  readonly failover?: Partial<FailoverPolicy>
  /** Whether publishes are in flight. */
  readonly isDraining?: () => boolean
}

/** A machine whose attempts choose a server as the transport of a client does. The test opens and fails them. */
function serversScene({
  servers = [{ url: 'mqtts://a' }, { url: 'mqtts://b', priority: 1 }],
  failover,
  isDraining = () => false,
  ...options
}: ServersSceneOptions = {}) {
  const policy = { selection: 'ordered', ...failover } as const
  const s = machineScene({ ...options, input: { failover: policy, ...options.input } })
  const listed = parseServers('servers', servers)
  const list = new ServerList(
    {
      servers: listed,
      evaluateOptions: 'per-client',
      machine: { failover: policy },
      timeouts: s.context.config.timeouts,
      clock: s.clock,
      now: s.clock.now,
      random: () => 0,
    },
    () => {},
  )
  /** Chooses the server of the attempt under way. */
  const choose = (): string => {
    const { url, choice } = list.choose(listed, s.transport.current.input, isDraining())
    s.tell({ ...choice })
    return url
  }
  const health = (name: string) => s.context.servers.find(({ server }) => server.includes(name))!
  return Object.assign(Object.create(s, {}) as Scene, {
    choose,
    health,
    /** The next attempt begins, and chooses a server. */
    next: () => {
      if (s.state === 'reconnecting' || s.state === 'recovering') s.clock.tick(s.context.delay)
      return choose()
    },
    fail: (failure: Failure = refused) => s.transport.current.fail(failure),
    /** Opens the connection, which becomes ready. */
    open: async () => {
      s.transport.current.open()
      await settle()
    },
  })
}

/** A scene that has failed at the server a, and is ready at b. */
async function onOther(options: ServersSceneOptions = {}) {
  const s = serversScene(options)
  s.send('CONNECT')
  await settle()
  s.tokens.at(-1)?.resolve(null)
  await settle()
  expect(s.choose()).toBe('mqtts://a')
  s.fail()
  expect(s.next()).toBe('mqtts://b')
  await s.open()
  expect(s.state).toBe('connected.ready')
  return s
}

describe('a server', () => {
  test.each<[string, Failure, boolean]>([
    ['refuses the socket', refused, true],
    ['is busy', busy, true],
    ['does not answer', { kind: 'timeout', phase: 'connect' }, true],
    ['has an invalid certificate', { kind: 'tls', message: 'expired' }, true],
    ['redirects without a reference', { kind: 'refused', protocolVersion: 5, reasonCode: 0x9c }, true],
    ['redirects to a server that is not allowed', moves('evil'), true],
    ['refuses the version, and another one follows', { ...busy, nextVersion: 4 } as Failure, false],
    ['could not be reached by the socket of the application', { ...refused, bySource: true } as Failure, false],
    ['was not asked, because the options failed', { kind: 'options', name: 'Error' }, false],
  ])('that %s: is blamed %s', (...[, failure, isBlamed]) => {
    const s = serversScene()
    s.send('CONNECT')
    s.choose()
    s.fail(failure)
    expect(s.health('a')).toMatchObject({
      failures: Number(isBlamed),
      coolingUntil: isBlamed ? expect.anything() : null,
    })
    expect(s.next()).toBe(isBlamed ? 'mqtts://b' : 'mqtts://a')
  })

  test('is not blamed for an attempt that ended before a server was chosen', () => {
    const s = serversScene()
    s.send('CONNECT')
    s.choose()
    s.fail()
    s.clock.tick(s.context.delay)
    // `servers` or `options` do not answer.
    s.clock.tick(seconds(30))
    expect(s.context.servers).toMatchObject([{ failures: 1 }, { failures: 0 }])
  })

  test('that closes on SUBSCRIBE is blamed, and one that was stable is not', async () => {
    const s = serversScene({ sync: () => {} })
    s.send('CONNECT')
    s.choose()
    s.transport.current.open()
    s.fail(closed)
    expect(s.health('a')).toMatchObject({ connects: 1, failures: 1 })
    expect(s.next()).toBe('mqtts://b')
    s.transport.current.open()
    s.clock.tick(seconds(30))
    s.fail(closed)
    expect(s.health('b')).toMatchObject({ failures: 0, lastFailure: closed, coolingUntil: null })
    expect(s.next(), 'although a has cooled down').toBe('mqtts://b')
  })

  test('that refuses old credentials is asked again with new ones', async () => {
    const s = serversScene({ input: { canRefresh: true } })
    s.send('CONNECT')
    await settle()
    s.tokens.at(-1)!.resolve(null)
    await settle()
    s.choose()
    await s.open()
    s.clock.tick(seconds(30))
    s.fail(kicked)
    await settle()
    s.tokens.at(-1)!.resolve(null)
    await settle()
    expect(s.choose()).toBe('mqtts://a')
    expect(s.health('a').failures).toBe(0)
  })

  test('that is slow cools down, and keeps its connection', async () => {
    const s = serversScene()
    s.send('CONNECT')
    s.choose()
    s.clock.tick(10_001)
    await s.open()
    expect(s.state).toBe('connected.ready')
    expect(s.health('a')).toMatchObject({ connectTime: 10_001, failures: 1 })
  })
})

test('all servers share one budget of attempts, with one backoff', () => {
  const s = serversScene({
    servers: ['mqtt://a', 'mqtt://b', 'mqtt://c'],
    input: { reconnect: { maxAttempts: 4, jitter: 'none' }, recovery: { enabled: false } },
  })
  s.send('CONNECT')
  const tried = [s.choose()]
  s.fail()
  while (s.state === 'reconnecting') {
    tried.push(s.next())
    s.fail()
  }
  expect(tried).toEqual(['mqtt://a', 'mqtt://b', 'mqtt://c', 'mqtt://a', 'mqtt://b'])
  expect(s.heard('reconnectScheduled').map(({ delay }) => delay)).toEqual([1_000, 2_000, 4_000, 8_000])
  expect(s.state).toBe('failed')
})

test('another server than before is announced', async () => {
  const s = await onOther()
  s.clock.tick(seconds(30))
  s.fail()
  s.next()
  s.fail()
  expect(s.heard('serverChanged')).toEqual([])
  s.clock.tick(s.context.delay)
  s.clock.tick(minutes(1))
  expect(s.choose()).toBe('mqtts://a')
  await s.open()
  expect(s.heard('serverChanged')).toMatchObject([{ from: 'mqtts://b:8883', to: 'mqtts://a:8883' }])
})

describe('the return to a server with a better priority', () => {
  /** With `random` 1, the time is half longer. */
  const due = 450_000

  test('follows in a quiet moment, once the connection was open for long enough', async () => {
    const s = await onOther()
    s.clock.tick(due - 1)
    expect(s.state).toBe('connected.ready')
    s.clock.tick(1)
    expect(s.state).toBe('connecting')
    expect(s.choose()).toBe('mqtts://a')
    expect(s.transport.running).toBe(1)
    await s.open()
    expect(s.heard('connectionInterrupted'), 'it was planned').toEqual([])
    expect(s.context).toMatchObject({ attempt: 0, counters: { interruptions: 0 } })
  })

  test.each<[string, ServersSceneOptions]>([
    ['the list rotates', { failover: { selection: 'rotate' } }],
    ['the servers have the same priority', { servers: ['mqtts://a', 'mqtts://b'] }],
    ['it is turned off', { failover: { failBackAfter: Number.POSITIVE_INFINITY } }],
    [
      'the session is never quiet',
      { actions: { askQuiet: ({ self }) => self.send({ type: 'session.busy' } as never) } },
    ],
  ])('never follows if %s', async (_, options) => {
    const s = await onOther(options)
    s.clock.tick(minutes(120))
    expect(s.state).toBe('connected.ready')
    expect(s.transport.connections).toHaveLength(2)
  })

  test('waits, and asks about once a second, while messages are under way', async () => {
    let quiet = false
    let asked = 0
    const askQuiet: NonNullable<SceneOptions['actions']>['askQuiet'] = ({ self }) => {
      asked++
      self.send({ type: quiet ? 'session.quiet' : 'session.busy' } as never)
    }
    const s = await onOther({ actions: { askQuiet } })
    s.clock.tick(due + minutes(1))
    expect(s.state).toBe('connected.ready')
    expect(asked).toBe(41)
    quiet = true
    s.clock.tick(1_500)
    expect(s.state).toBe('connecting')
  })

  test('follows even if the source of random numbers throws', async () => {
    const random = () => {
      throw new Error('no entropy')
    }
    const s = await onOther({ input: { random } })
    s.clock.tick(due)
    expect(s.state).toBe('connecting')
  })

  test('is checked by one timer only, even if the session answers late', async () => {
    const s = await onOther({ actions: { askQuiet: () => {} } })
    s.clock.tick(due)
    s.tell({ type: 'session.busy' })
    const { pending } = s.clock
    s.tell({ type: 'session.busy' })
    expect(s.clock.pending).toBe(pending)
  })

  test('does not follow before the better server has cooled down', async () => {
    const s = await onOther({ failover: { coolDown: minutes(14), failBackAfter: 0 } })
    s.clock.tick(minutes(14) - 1_000)
    expect(s.state).toBe('connected.ready')
    s.clock.tick(minutes(7))
    expect(s.state).toBe('connecting')
  })

  test('does not follow before the connection is stable', async () => {
    const s = await onOther({ failover: { coolDown: 0, maxCoolDown: 0, failBackAfter: 0 } })
    s.clock.tick(29_000)
    expect(s.state).toBe('connected.ready')
    s.clock.tick(3_000)
    expect(s.state).toBe('connecting')
  })

  test('that fails leads back, with growing pauses', async () => {
    const s = await onOther()
    const returns: number[] = []
    for (let n = 0; n < 6; n++) {
      const from = s.time
      while (s.state === 'connected.ready') s.clock.tick(seconds(1))
      returns.push(Math.round((s.time - from) / 60_000))
      expect(s.choose()).toBe('mqtts://a')
      s.fail()
      expect(s.state).toBe('reconnecting')
      expect(s.next()).toBe('mqtts://b')
      await s.open()
      s.clock.tick(seconds(30))
    }
    expect(returns).toEqual([8, 7, 7, 7, 11, 22])
    expect(s.heard('connectionInterrupted')).toHaveLength(6)
  })

  describe('with a gate', () => {
    const gated = () => {
      let admit = () => {}
      let left = 0
      const actors = {
        admission: fromGate((grant) => {
          admit = grant
          return () => void left++
        }),
      }
      return { options: { input: { gated: true }, actors } as const, admit: () => admit(), left: () => left }
    }

    async function waiting(quiet: { is: boolean }) {
      const gate = gated()
      const askQuiet: NonNullable<SceneOptions['actions']>['askQuiet'] = ({ self }) =>
        self.send({ type: quiet.is ? 'session.quiet' : 'session.busy' } as never)
      const s = serversScene({ ...gate.options, actions: { askQuiet } })
      s.send('CONNECT')
      gate.admit()
      s.choose()
      s.fail()
      s.clock.tick(s.context.delay)
      gate.admit()
      s.choose()
      await s.open()
      s.clock.tick(due)
      return { s, gate }
    }

    test('asks it, stays connected meanwhile, and follows once it is admitted', async () => {
      const { s, gate } = await waiting({ is: true })
      expect(s.state).toBe('connected.ready')
      expect(s.context).toMatchObject({ admission: 'awaited', failingBack: true })
      gate.admit()
      expect(s.state).toBe('connecting')
      expect(s.choose()).toBe('mqtts://a')
      await s.open()
      expect(s.context).toMatchObject({ admission: 'none', failingBack: false })
    })

    test('leaves it again if messages are under way then', async () => {
      const quiet = { is: true }
      const { s, gate } = await waiting(quiet)
      quiet.is = false
      const before = gate.left()
      gate.admit()
      expect(s.state).toBe('connected.ready')
      expect(s.context).toMatchObject({ admission: 'none', failingBack: false })
      expect(gate.left()).toBe(before + 1)
      quiet.is = true
      s.clock.tick(1_500)
      expect(s.context.admission).toBe('awaited')
    })

    test('becomes a renewal if that is asked for meanwhile', async () => {
      const quiet = { is: true }
      const { s, gate } = await waiting(quiet)
      quiet.is = false
      s.send('RECOVER')
      gate.admit()
      expect(s.state).toBe('connecting')
    })

    test('withdraws the request when the client disconnects', async () => {
      const { s, gate } = await waiting({ is: true })
      const before = gate.left()
      s.send('DISCONNECT')
      expect(gate.left()).toBe(before + 1)
      expect(s.context).toMatchObject({ admission: 'none', failingBack: false })
    })
  })

  test('a slow server is not left while publishes are in flight', async () => {
    for (const isDraining of [true, false]) {
      const s = serversScene({ input: { canRefresh: true }, isDraining: () => isDraining })
      s.send('CONNECT')
      await settle()
      s.tokens.at(-1)!.resolve(null)
      await settle()
      s.choose()
      s.clock.tick(10_001)
      await s.open()
      s.send('RECOVER')
      s.tokens.at(-1)!.resolve(null)
      await settle()
      expect(s.choose()).toBe(isDraining ? 'mqtts://a' : 'mqtts://b')
    }
  })

  describe('at a planned renewal', () => {
    test.each([
      ['follows at once', false, 'mqtts://a'],
      ['does not follow while publishes are in flight', true, 'mqtts://b'],
    ])('%s', async (_, isDraining, server) => {
      const s = await onOther({ input: { canRefresh: true }, isDraining: () => isDraining })
      s.clock.tick(seconds(40))
      s.send('RECOVER')
      s.tokens.at(-1)!.resolve(null)
      await settle()
      expect(s.state).toBe('connecting')
      expect(s.choose()).toBe(server)
    })
  })
})

describe('a server that has moved for good', () => {
  async function moved() {
    const s = serversScene({ input: anywhere })
    s.send('CONNECT')
    s.choose()
    s.fail(moves('c:9'))
    expect(s.next()).toMatch(/^mqtts:\/\/c:9/)
    return s
  }

  test('is remembered, and keeps its place in the list', async () => {
    const s = await moved()
    expect(s.heard('redirected')).toMatchObject([{ to: 'c:9', permanent: true }])
    await s.open()
    s.clock.tick(seconds(30))
    expect(s.context.server).toMatchObject({ redirect: null, hops: 0, address: 'mqtts://c:9' })
    s.fail()
    expect(s.next()).toMatch(/^mqtts:\/\/c:9/)
    expect(s.health('a')).toMatchObject({ movedTo: 'c:9' })
    s.send('DISCONNECT')
    s.send('CONNECT')
    expect(s.next()).toMatch(/^mqtts:\/\/c:9/)
  })

  test('is a redirect for now if it says so (0x9C)', async () => {
    const s = serversScene({ input: anywhere })
    s.send('CONNECT')
    s.choose()
    s.fail(moves('c:9', 0x9c))
    expect(s.heard('redirected')).toMatchObject([{ to: 'c:9', permanent: false }])
    expect(s.next()).toMatch(/^mqtts:\/\/c:9/)
    expect(s.health('a')).toMatchObject({ movedTo: null, attempts: 1 })
    s.fail()
    expect(s.next(), 'a was tried in this round').toBe('mqtts://b')
  })

  test('is also tried at its old place if the new one fails again and again', () => {
    const s = serversScene({ input: anywhere, servers: ['mqtts://a'] })
    s.send('CONNECT')
    s.choose()
    s.fail(moves('c'))
    const places = ['', '', '', '', '', '', ''].map(() => {
      const place = new URL(s.next()).hostname
      s.fail()
      return place
    })
    expect(places.join('')).toBe('cccacac')
  })

  test('is forgotten when the old place is stable again', async () => {
    const s = serversScene({ input: anywhere, servers: ['mqtts://a'] })
    s.send('CONNECT')
    s.choose()
    s.fail(moves('c'))
    for (let n = 0; n < 3; n++) {
      s.next()
      s.fail()
    }
    expect(s.next()).toBe('mqtts://a')
    await s.open()
    s.clock.tick(seconds(30))
    expect(s.health('a')).toMatchObject({ movedTo: null, failures: 0 })
  })

  test('moves with `url` lists, too', () => {
    const s = serversScene({ input: anywhere, failover: { selection: 'rotate' } })
    s.send('CONNECT')
    s.choose()
    s.fail(moves('c'))
    const places = ['', '', ''].map(() => {
      const place = new URL(s.next()).hostname
      s.fail()
      return place
    })
    expect(places.join('')).toBe('cbc')
  })
})

describe('a row of redirects', () => {
  const loop = { input: anywhere, servers: ['mqtts://a'] }

  test.each<[string, string[], string]>([
    ['to the same server', ['A:8883'], 'loop'],
    ['back to the first server', ['b', 'mqtt://a'], 'loop'],
    ['back to a later server', ['b', 'c:1', 'b:8883'], 'loop'],
    ['through too many servers', ['b', 'c', 'd', 'e'], 'max-hops'],
    ['to several servers that were all visited', ['b', 'a b'], 'loop'],
    ['to no server', ['user@host'], 'not-allowed'],
  ])('%s ends, and says why', (_, references, reason) => {
    const s = serversScene({ ...loop, input: { redirect: { allow: (each) => !each.includes('@') } } })
    s.send('CONNECT')
    for (const reference of references) {
      s.choose()
      s.fail(moves(reference, 0x9c))
    }
    expect(s.state).toBe('reconnecting')
    expect(s.heard('redirected')).toHaveLength(references.length - 1)
    expect(s.heard('redirectIgnored')).toMatchObject([{ serverReference: references.at(-1), reason }])
  })

  test('leads to the first of several servers that is allowed and new', () => {
    const s = serversScene({ ...loop, input: { redirect: { allow: (each) => each !== 'evil' } } })
    s.send('CONNECT')
    s.choose()
    s.fail(moves('evil a:8883 b c', 0x9c))
    expect(s.context.server.redirect).toBe('b')
  })

  test('is followed again after a while, although it was a loop', () => {
    const s = serversScene({ ...loop, input: { ...anywhere, reconnect: { jitter: 'none' } } })
    s.send('CONNECT')
    s.choose()
    const followed: boolean[] = []
    for (let n = 0; n < 6; n++) {
      s.fail(moves('b', 0x9c))
      const follows = s.state === 'connecting'
      followed.push(follows)
      if (follows) {
        s.choose()
        s.fail(moves('a', 0x9c))
      }
      s.next()
    }
    // After 1, 2, 4, 8, 16 and 32 s. The first row is 30 s ago at the last one.
    expect(followed).toEqual([true, false, false, false, false, true])
  })

  test('is over when a server of it fails otherwise: it may be followed there again', () => {
    const s = serversScene(loop)
    s.send('CONNECT')
    s.choose()
    s.fail(moves('b', 0x9c))
    s.choose()
    s.fail()
    s.next()
    s.fail(moves('b', 0x9c))
    expect(s.state).toBe('connecting')
  })
})

test.each(['mqtts://a', 'wss://a/path?key=1', 'mqtt://a', 'ws://a/path'])('%s keeps its scheme on the way', (url) => {
  const s = serversScene({ input: anywhere, servers: [url] })
  s.send('CONNECT')
  s.choose()
  const { protocol } = new URL(url)
  for (const [n, reasonCode] of [0x9c, 0x9d, 0x9c].entries()) {
    s.fail(moves(`mqtt://other-${n}:1883`, reasonCode))
    const place = new URL(s.choose())
    expect(place).toMatchObject({ protocol, pathname: new URL(url).pathname, port: '1883' })
  }
})

test('what is known survives JSON, and a snapshot of an earlier version has none', async () => {
  const s = await onOther()
  const persisted = JSON.parse(JSON.stringify(s.actor.getPersistedSnapshot())) as { context: Record<string, unknown> }
  const again = machineScene({ snapshot: persisted as never, input: { failover: { selection: 'ordered' } } })
  expect(again.context.servers).toEqual(s.context.servers)
  expect(again.transport.current.input.servers).toEqual(s.context.servers)
  const { servers: _servers, failingBack: _failingBack, ...context } = persisted.context
  const old = { ...persisted, context: { ...context, server: { index: 3, redirect: null, hops: 0 } } }
  const fromOld = machineScene({ snapshot: old as never })
  expect(fromOld.context).toMatchObject({ servers: [], failingBack: false, server: { index: 3, visited: [] } })
})

test('a machine without a list works as before', async () => {
  const s = await readyScene()
  expect(s.context.servers).toEqual([])
  s.clock.tick(minutes(60))
  expect(s.transport.connections).toHaveLength(1)
})

/** A gate that keeps the function by which it admits. */
function fromGate(ask: (admit: () => void) => () => void) {
  return fromCallback(({ sendBack }) => ask(() => sendBack({ type: 'admission.granted' })))
}
