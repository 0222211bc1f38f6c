import fc from 'fast-check'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { createActor, fromCallback } from 'xstate'

import type { TransportCommand, TransportInput } from '../../machines/connection/types.ts'
import type { Failure } from '../../machines/failure.ts'
import { connectionMachine } from '../../machines/index.ts'
import { Circuit } from '../../src/fleet/circuit.ts'
import { blamesServer } from '../../src/fleet/server-fault.ts'
import { Turnstile, type TurnstileOptions } from '../../src/fleet/turnstile.ts'
import type { AdmissionOutcome } from '../../src/index.ts'
import { visit } from '../../src/lifecycle/admission.ts'
import { createFakeTransport } from '../../testing/fake-transport.ts'
import { createTestClock } from '../../testing/index.ts'

const DOWN: Failure = { kind: 'socket', code: 'ECONNREFUSED', message: 'connection refused' }
const REFUSED: Failure = { kind: 'refused', protocolVersion: 5, reasonCode: 0x87 }
const A = ['mqtt://a:1883']
const ready: AdmissionOutcome = { type: 'ready' }
const withdrawn: AdmissionOutcome = { type: 'withdrawn' }
const failed = (retryIn = 1_000, failure: Failure = DOWN): AdmissionOutcome => ({ type: 'failed', failure, retryIn })

interface Client {
  readonly admitted: boolean
  /** How often its backoff was ended. */
  readonly woken: number
  readonly leave: (outcome?: AdmissionOutcome) => void
  /** Asks once more, as after a backoff. */
  ask(): void
}

function turnstile(options: Partial<TurnstileOptions> = {}) {
  const clock = createTestClock()
  const wall = { offset: 0 }
  const gate = new Turnstile({
    maxConnecting: 50,
    connectRate: Number.POSITIVE_INFINITY,
    clock,
    now: () => clock.now() + wall.offset,
    ...options,
  })
  const order: string[] = []
  const client = (name: string, servers: readonly string[] = A): Client => {
    const me = { admitted: false, woken: 0, leave: withdraw, ask }
    const wake = () => void me.woken++
    function withdraw(_outcome?: AdmissionOutcome) {}
    function ask() {
      me.admitted = false
      const leave = gate.ask(
        () => {
          me.admitted = true
          order.push(name)
        },
        { servers, wake },
      )
      me.leave = (outcome) => leave(outcome)
    }
    ask()
    return me
  }
  const clients = (n: number, servers = A) => Array.from({ length: n }, (_, i) => client(String(i), servers))
  const state = (servers = A) => gate.circuits.find((each) => each.servers.join() === servers.join())?.state ?? 'none'
  /** Opens the circuit of the servers. */
  const break_ = (servers = A) => {
    for (let n = 0; n < 5; n++) client('breaker', servers).leave(failed(1_000))
    order.length = 0
  }
  return { clock, wall, gate, order, client, clients, state, break_ }
}

describe('which failures are blamed on the server', () => {
  test.each<[Failure, boolean]>([
    [DOWN, true],
    [{ kind: 'socket', message: 'the proxy is down', bySource: true }, true],
    [{ kind: 'timeout', phase: 'connect' }, true],
    [{ kind: 'timeout', phase: 'restore' }, true],
    [{ kind: 'timeout', phase: 'refresh' }, false],
    [{ kind: 'closed', beforeConnack: true }, true],
    [{ kind: 'keepalive' }, true],
    [{ kind: 'protocol', message: 'not MQTT' }, true],
    [{ kind: 'tls', code: 'CERT_HAS_EXPIRED', message: 'certificate has expired' }, true],
    [{ kind: 'tls', code: 'EPROTO', message: 'wrong version number' }, true],
    [{ kind: 'tls', code: 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', message: 'tlsv13 alert' }, false],
    [{ kind: 'websocket', status: 502, message: 'bad gateway' }, true],
    [{ kind: 'websocket', status: 503, message: 'unavailable' }, true],
    [{ kind: 'websocket', status: 401, message: 'unauthorized' }, false],
    [{ kind: 'websocket', status: 429, message: 'too many requests' }, false],
    [{ kind: 'websocket', closeCode: 1012, message: 'restart' }, true],
    [{ kind: 'websocket', closeCode: 1008, message: 'policy' }, false],
    [{ kind: 'websocket', closeCode: 4401, message: 'unauthorized' }, false],
    [{ kind: 'websocket', message: 'failed' }, true],
    [{ kind: 'refused', protocolVersion: 4, reasonCode: 3 }, true],
    [{ kind: 'refused', protocolVersion: 4, reasonCode: 2 }, false],
    [{ kind: 'refused', protocolVersion: 4, reasonCode: 4 }, false],
    [{ kind: 'refused', protocolVersion: 4, reasonCode: 5 }, false],
    [{ kind: 'refused', protocolVersion: 4, reasonCode: 1, nextVersion: 4 }, false],
    [{ kind: 'refused', protocolVersion: 5, reasonCode: 0x88 }, true],
    [{ kind: 'refused', protocolVersion: 5, reasonCode: 0x89 }, true],
    [{ kind: 'refused', protocolVersion: 5, reasonCode: 0x9f }, true],
    [{ kind: 'refused', protocolVersion: 5, reasonCode: 0x85 }, false],
    [{ kind: 'refused', protocolVersion: 5, reasonCode: 0x8a }, false],
    [REFUSED, false],
    [{ kind: 'disconnected', reasonCode: 0x8b }, true],
    [{ kind: 'disconnected', reasonCode: 0x8e }, false],
    [{ kind: 'credentials' }, false],
    [{ kind: 'refresh', name: 'TypeError' }, false],
    [{ kind: 'options', name: 'TypeError' }, false],
    [{ kind: 'unprocessed' }, false],
    [{ kind: 'internal', actor: 'transport', message: 'broken' }, false],
  ])('%o: %s', (failure, expected) => {
    expect(blamesServer(failure)).toBe(expected)
  })
})

describe('a circuit', () => {
  test('opens after five failures in a row, and then lets in one client at a time', () => {
    const { clock, client, clients, state } = turnstile()
    const first = clients(5)
    for (const each of first.slice(0, 4)) each.leave(failed())
    expect(state()).toBe('closed')
    first[4]!.leave(failed())
    expect(state()).toBe('open')
    const [canary, next, last] = [client('canary'), client('next'), client('last')]
    clock.tick(999)
    expect(canary.admitted).toBe(false)
    clock.tick(1)
    expect([state(), canary.admitted, next.admitted]).toEqual(['half-open', true, false])
    canary.leave(failed(2_000))
    expect(state()).toBe('open')
    clock.tick(2_000)
    expect([next.admitted, last.admitted]).toEqual([true, false])
  })

  test.each<[string, AdmissionOutcome]>([
    ['refuses its credentials', failed(1_000, REFUSED)],
    ['has refused them already', failed(1_000, { kind: 'credentials' })],
    ['is disconnected', withdrawn],
  ])('stays closed however often a client %s', (_, outcome) => {
    const { clients, state } = turnstile()
    for (const each of clients(50)) each.leave(outcome)
    expect(['closed', 'none']).toContain(state())
    expect(clients(1)[0]!.admitted).toBe(true)
  })

  test('stays closed while one client of ten fails', () => {
    const { client, state } = turnstile()
    for (let n = 0; n < 500; n++) {
      client('good').leave(n % 10 === 0 ? failed() : ready)
      expect(state()).not.toBe('open')
    }
  })

  test.each([
    [0, 100],
    [99, 100],
    [1_234, 1_234],
    [300_000, 5_000],
    [Number.NaN, 5_000],
  ])('pauses after a canary with a backoff of %d ms for %i ms', (retryIn, pause) => {
    const { clock, break_, clients } = turnstile()
    break_()
    const [canary, next] = clients(2)
    clock.tick(1_000)
    canary!.leave(failed(retryIn))
    clock.tick(pause - 1)
    expect(next!.admitted).toBe(false)
    clock.tick(1)
    expect(next!.admitted).toBe(true)
  })

  test.each<[string, AdmissionOutcome]>([
    ['is refused for a reason of its own', failed(60_000, REFUSED)],
    ['is disconnected or disposed', withdrawn],
  ])('lets in the next client at once when a canary %s', (_, outcome) => {
    const { clock, order, break_, clients } = turnstile()
    break_()
    const all = clients(4)
    clock.tick(1_000)
    for (const each of all) each.leave(outcome)
    expect(order).toEqual(['0', '1', '2', '3'])
  })

  test('does not wait for a client that has left the queue', () => {
    const { clock, order, break_, clients } = turnstile()
    break_()
    const [first] = clients(3)
    first!.leave()
    clock.tick(1_000)
    expect(order).toEqual(['1'])
  })

  test('closes when a canary is ready, and then lets in more with each client that is ready', () => {
    const { clock, gate, break_, clients, state } = turnstile({ maxConnecting: 8 })
    break_()
    const all = clients(100)
    clock.tick(1_000)
    const inside = () => all.filter(({ admitted }) => admitted).length
    const counts: number[] = []
    for (const each of all) {
      each.leave(ready)
      counts.push(gate.inside)
    }
    expect([state(), inside()]).toEqual(['none', 100])
    expect(counts.slice(0, 10)).toEqual([2, 3, 4, 5, 6, 7, 8, 8, 8, 8])
  })

  test('lets in fewer while clients fail again', () => {
    const { gate, client, clients } = turnstile({ maxConnecting: 40 })
    const all = clients(60)
    expect(gate.inside).toBe(40)
    all[0]!.leave(failed())
    for (const each of all.slice(1, 21)) each.leave(withdrawn)
    expect(gate.inside, 'half as many').toBe(20)
    client('late')
    expect(gate.inside).toBe(20)
  })

  test('keeps the order of the requests, and puts a canary that failed behind the others', () => {
    const { clock, order, break_, clients } = turnstile()
    break_()
    const all = clients(3)
    for (let round = 0; round < 6; round++) {
      clock.tick(1_000)
      const canary = all[round % 3]!
      canary.leave(failed(1_000))
      canary.ask()
    }
    expect(order).toEqual(['0', '1', '2', '0', '1', '2'])
  })

  test('ends the backoff of the clients that have failed when it closes, and not before', () => {
    const { clock, break_, clients } = turnstile()
    break_()
    const [first, second, third, fourth] = clients(4)
    clock.tick(1_000)
    first!.leave(failed(120_000))
    clock.tick(5_000)
    second!.leave(failed(1_000, REFUSED))
    expect([first!.woken, third!.admitted]).toEqual([0, true])
    third!.leave(ready)
    expect([first, second, third, fourth].map((each) => each!.woken)).toEqual([1, 0, 0, 0])
    fourth!.leave(ready)
    expect(first!.woken, 'once').toBe(1)
  })

  test('does not open again by attempts that began before it closed, and ends their backoff', () => {
    const { gate, clients, state } = turnstile({ maxConnecting: 20 })
    const all = clients(20)
    for (const each of all.slice(0, 5)) each.leave(failed())
    expect(state()).toBe('open')
    all[5]!.leave(ready)
    for (const each of all.slice(6)) each.leave(failed(60_000))
    expect(['closed', 'none']).toContain(state())
    expect(all.slice(6).map(({ woken }) => woken)).toEqual(all.slice(6).map(() => 1))
    expect(gate.inside).toBe(0)
  })

  test('is that of a list of servers, in whatever order', () => {
    const { clock, client, break_, state } = turnstile()
    const [AB, BA, B] = [['mqtt://a:1883', 'mqtt://b:1883'], ['mqtt://b:1883', 'mqtt://a:1883'], ['mqtt://b:1883']]
    break_(AB)
    expect([client('1', B).admitted, client('2', []).admitted, client('3', BA).admitted]).toEqual([true, true, false])
    clock.tick(1_000)
    expect([state(AB), state(B)]).toEqual(['half-open', 'closed'])
  })

  test('lets a canary try each of its servers before the next canary', () => {
    const { clock, order, break_, clients } = turnstile()
    const servers = ['mqtt://a:1883', 'mqtt://b:1883', 'mqtt://c:1883']
    break_(servers)
    const all = clients(3, servers)
    for (let turn = 0; turn < 6; turn++) {
      clock.tick(1_000)
      const canary = all[Number(order.at(-1))]!
      canary.leave(failed(1_000))
      canary.ask()
    }
    expect(order).toEqual(['0', '0', '0', '1', '1', '1'])
  })

  test('of several servers takes turns with others', () => {
    const { order, client } = turnstile({ maxConnecting: 1 })
    const first = client('first', ['mqtt://c:1883'])
    const waiting = ['a1', 'a2', 'b1', 'b2', 'a3'].map((name) => client(name, [`mqtt://${name[0]}:1883`]))
    first.leave(ready)
    for (const name of ['a1', 'b1', 'a2', 'b2']) waiting[['a1', 'a2', 'b1', 'b2', 'a3'].indexOf(name)]!.leave(ready)
    expect(order).toEqual(['first', 'a1', 'b1', 'a2', 'b2', 'a3'])
  })

  test('admits several canaries at a time if it may', () => {
    const { clock, gate, break_, clients } = turnstile({ canaries: 3 })
    break_()
    clients(10)
    clock.tick(1_000)
    expect(gate.inside).toBe(3)
  })

  test('never opens with canaries: Infinity', () => {
    const { gate, client, clients } = turnstile({ canaries: Number.POSITIVE_INFINITY })
    for (let n = 0; n < 100; n++) client('bad').leave(failed())
    clients(50)
    expect(gate.inside).toBe(50)
  })

  test('has no timer when no client waits, and its pause passes all the same', () => {
    const { clock, break_, client } = turnstile()
    break_()
    expect(clock.pending).toBe(0)
    const first = client('first')
    expect(clock.pending).toBe(1)
    first.leave()
    expect(clock.pending).toBe(0)
    clock.tick(1_000)
    expect(client('second').admitted).toBe(true)
  })

  test.each([
    ['back', -3_600_000, 1_000],
    ['forward', 3_600_000, 0],
  ])('pauses no longer than it should if the wall clock is set %s', (_, offset, longest) => {
    const { clock, wall, break_, client } = turnstile()
    break_()
    wall.offset = offset
    const first = client('first')
    clock.tick(longest)
    expect(first.admitted).toBe(true)
  })

  test('is forgotten when it is closed and no client uses it', () => {
    const { gate, client } = turnstile()
    for (let n = 0; n < 100; n++) client('one', [`mqtt://${n}:1883`]).leave(ready)
    expect(gate.circuits).toEqual([])
  })

  test('never holds a client for ever, nor admits too many, whatever happens', () => {
    const outcome = fc.constantFrom(ready, withdrawn, failed(), failed(300_000), failed(0, REFUSED))
    const step = fc.oneof(
      fc.record({ ask: fc.nat(2) }),
      fc.record({ end: fc.nat(), outcome }),
      fc.record({ leave: fc.nat() }),
      fc.record({ tick: fc.nat(3_000) }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), fc.integer({ min: 1, max: 3 }), (steps, canaries) => {
        const { clock, gate, client } = turnstile({ maxConnecting: 6, canaries })
        const lists = [A, ['mqtt://b:1883', 'mqtt://a:1883'], []]
        let asked: Client[] = []
        const drop = (each: Client | undefined) => void (asked = asked.filter((other) => other !== each))
        for (const each of steps) {
          if ('ask' in each) asked.push(client('x', lists[each.ask]))
          else if ('tick' in each) clock.tick(each.tick)
          else {
            const group = asked.filter(({ admitted }) => admitted === 'end' in each)
            const one = group[('end' in each ? each.end : each.leave) % Math.max(1, group.length)]
            one?.leave('end' in each ? each.outcome : undefined)
            drop(one)
          }
          expect(gate.inside).toBe(asked.filter(({ admitted }) => admitted).length)
          expect(gate.inside + gate.waiting).toBe(asked.length)
          expect(gate.inside).toBeLessThanOrEqual(6)
        }
        // From now on the servers work.
        for (let n = 0; asked.length > 0 && n < 500; n++) {
          const inside = asked.find(({ admitted }) => admitted)
          if (inside) inside.leave(ready)
          else clock.tick(100)
          drop(inside)
        }
        expect([asked.length, gate.inside, gate.waiting, clock.pending]).toEqual([0, 0, 0, 0])
      }),
      { numRuns: 60 },
    )
  })
})

describe('a circuit whose clients never ask again', () => {
  test('is removed a minute after the longest of their delays', () => {
    const { clock, gate, client, state } = turnstile()
    for (const delay of [1_000, 120_000, 5_000, 1_000, 1_000]) client('disposed').leave(failed(delay))
    expect(state()).toBe('open')
    clock.tick(180_000)
    expect(state(), 'the client with the longest delay may come').toBe('open')
    clock.tick(1)
    expect(gate.circuits).toEqual([])
  })

  test('is kept while a client waits or tries', () => {
    const { clock, client, clients, state, break_ } = turnstile()
    break_()
    const [canary, waiting] = clients(2)
    clock.tick(600_000)
    expect([canary?.admitted, waiting?.admitted, state()]).toEqual([true, false, 'half-open'])
    waiting?.leave()
    expect(state()).toBe('half-open')
    canary?.leave(failed(1_000))
    expect(state()).toBe('open')
    expect(client('another').admitted).toBe(false)
  })

  test('does not stay in memory, even if the application never reads the status', () => {
    const { clock, gate, client } = turnstile()
    const idle = vi.spyOn(Circuit.prototype, 'isIdle', 'get')
    for (let n = 0; n < 1_000; n++) {
      client('disposed', [`mqtt://host-${n}:1883`]).leave(failed(1_000))
      clock.tick(10_000)
    }
    expect(idle.mock.calls.length, 'asked once for each call, and now and then for all').toBeLessThan(10_000)
    idle.mockReturnValue(false)
    expect(gate.circuits.length).toBeLessThan(100)
  })
})

describe('a fleet of machines whose broker is down', () => {
  function fleet(size: number, isBad: (n: number) => boolean = () => false) {
    const clock = createTestClock()
    const broker = { up: true, attempts: 0 }
    const gate = new Turnstile({ maxConnecting: 50, connectRate: 1_000, clock, now: clock.now })
    const connections = new Set<{ fail(failure: Failure): void }>()
    const machines = Array.from({ length: size }, (_, n) => {
      const transport = createFakeTransport((connection) => {
        broker.attempts++
        if (!broker.up) return connection.fail(DOWN)
        if (isBad(n)) return connection.fail(REFUSED)
        connections.add(connection)
        connection.open()
      })
      const machine = connectionMachine.provide({
        actors: {
          transport: transport.logic as ReturnType<typeof fromCallback<TransportCommand, TransportInput>>,
          admission: fromCallback(({ self, sendBack }) =>
            visit({
              gate,
              machine: self._parent!,
              servers: A,
              admit: () => sendBack({ type: 'admission.granted' }),
              onThrow: (error) => {
                throw error
              },
            }),
          ),
        },
      })
      const actor = createActor(machine, { clock, input: { gated: true, random: () => 0.5, now: clock.now } })
      actor.start()
      onTestFinished(() => void actor.stop())
      actor.send({ type: 'CONNECT' })
      return actor
    })
    clock.tick(5_000)
    const inState = (state: string) => machines.filter((each) => each.getSnapshot().matches(state as never)).length
    const down = () => {
      broker.up = false
      broker.attempts = 0
      for (const each of connections) each.fail(DOWN)
      connections.clear()
    }
    const up = () => void (broker.up = true)
    return { clock, broker, gate, machines, inState, down, up }
  }

  test('waits with few attempts, and is back seconds after the broker', () => {
    const { clock, broker, gate, machines, inState, down, up } = fleet(120)
    expect(inState('connected')).toBe(120)
    down()
    for (let minute = 0; minute < 40; minute++) clock.tick(60_000)
    expect(inState('connecting') + inState('reconnecting')).toBe(120)
    expect(inState('connecting'), 'most of them wait at the gate').toBeGreaterThan(100)
    expect(gate.circuits).toMatchObject([{ servers: A, state: expect.stringContaining('open') }])
    expect(broker.attempts, 'about one in 4 s').toBeLessThan(800)
    expect(Math.max(...machines.map((each) => each.getSnapshot().context.attempt))).toBeLessThan(10)
    up()
    clock.tick(6_000)
    expect(inState('connected')).toBe(120)
  })

  test.each([1, 2, 3])('of %i clients tries as often as each client would alone, and none sleeps on', (size) => {
    const { clock, broker, inState, down, up } = fleet(size)
    down()
    clock.tick(20 * 60_000)
    expect(broker.attempts).toBeGreaterThanOrEqual(size * 11)
    up()
    let waited = 0
    while (inState('connected') === 0 && waited < 400) {
      clock.tick(1_000)
      waited++
    }
    clock.tick(1)
    expect([inState('connected'), waited < 400], 'the first one wakes the others').toEqual([size, true])
  })

  test('is not held up by clients with wrong credentials', () => {
    const { clock, inState, down, up } = fleet(100, (n) => n < 50)
    expect([inState('connected'), inState('failed')]).toEqual([50, 50])
    down()
    clock.tick(60_000)
    up()
    clock.tick(6_000)
    expect(inState('connected')).toBe(50)
  })

  test('goes on when a canary is disconnected, and lets nothing linger', () => {
    const { clock, gate, machines, inState, down, up } = fleet(10)
    down()
    clock.tick(60_000)
    for (const each of machines.slice(0, 8)) each.send({ type: 'DISCONNECT' })
    up()
    clock.tick(6_000)
    expect([inState('connected'), inState('disconnected')]).toEqual([2, 8])
    for (const each of machines) each.send({ type: 'DISCONNECT' })
    expect([gate.inside, gate.waiting]).toEqual([0, 0])
  })
})
