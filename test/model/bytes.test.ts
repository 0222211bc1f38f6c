import { generate, type Packet } from 'mqtt-packet'
import { expect, onTestFinished, test } from 'vitest'

import { ConnectionFailedError, ResilientMqttClient, ResilientMqttError, type Failure } from '../../src/index.ts'
import { createScriptedServer, type Behaviour, type ScriptedConnection } from '../../testing/index.ts'
import { until } from '../support/event-loop.ts'
import { fc } from '../support/property.ts'
import { randomCases } from '../support/repetitions.ts'

/** Connections of the whole test; `FC_BYTES=10000` looks harder. */
const RUNS = Number(process.env['FC_BYTES'] ?? randomCases(150, 600))
/** In milliseconds: whatever comes, it is over by then. */
const BOUND = 2_000

const KINDS: ReadonlySet<Failure['kind']> = new Set([
  'closed',
  'protocol',
  'refused',
  'disconnected',
  'socket',
  'timeout',
  'keepalive',
])

const text = fc.string({ maxLength: 12 })
const id = fc.nat(0xffff)

/** Packets that a server may send, that it may not, and that it may not send now. */
const packet: fc.Arbitrary<Packet> = fc.oneof(
  fc.record({
    cmd: fc.constant('connack' as const),
    reasonCode: fc.nat(255),
    returnCode: fc.nat(255),
    sessionPresent: fc.boolean(),
  }),
  fc.record({
    cmd: fc.constant('publish' as const),
    topic: text,
    payload: text,
    qos: fc.constantFrom(0 as const, 1 as const, 2 as const),
    dup: fc.boolean(),
    retain: fc.boolean(),
    messageId: id,
  }),
  ...(['puback', 'pubrec', 'pubrel', 'pubcomp'] as const).map((cmd) =>
    fc.record({ cmd: fc.constant(cmd), messageId: id, reasonCode: fc.nat(255) }),
  ),
  fc.record({ cmd: fc.constant('suback' as const), messageId: id, granted: fc.array(fc.nat(255), { maxLength: 3 }) }),
  fc.record({ cmd: fc.constant('unsuback' as const), messageId: id, granted: fc.array(fc.nat(255), { maxLength: 3 }) }),
  fc.constantFrom<Packet>({ cmd: 'pingreq' }, { cmd: 'pingresp' }),
  fc.record({ cmd: fc.constant('disconnect' as const), reasonCode: fc.nat(255) }),
  fc.record({ cmd: fc.constant('auth' as const), reasonCode: fc.constantFrom(0, 0x18, 0x19) }),
  fc.record({ cmd: fc.constant('connect' as const), clientId: text, protocolId: fc.constant('MQTT') }),
) as fc.Arbitrary<Packet>

function encoded(protocolVersion: 4 | 5): fc.Arbitrary<Uint8Array> {
  return packet.map((each) => {
    try {
      return generate(each, { protocolVersion })
    } catch {
      return new Uint8Array([0xf0, 0xff])
    }
  })
}

/** Noise, packets, packets with wrong bytes, packets that are too short, and packets that end in the middle. */
function bytes(protocolVersion: 4 | 5): fc.Arbitrary<Uint8Array> {
  const damaged = fc
    .tuple(encoded(protocolVersion), fc.array(fc.tuple(fc.nat(63), fc.nat(255)), { minLength: 1, maxLength: 4 }))
    .map(([whole, changes]) => {
      const copy = Uint8Array.from(whole)
      for (const [at, value] of changes) copy[at % copy.length] = value
      return copy
    })
  const cut = fc.tuple(encoded(protocolVersion), fc.nat(63)).map(([whole, at]) => whole.slice(0, at % whole.length))
  // Its length says so: a whole packet that is too short for what it must hold.
  const short = fc.tuple(encoded(protocolVersion), fc.nat(63)).map(([whole, at]) => {
    const rest = whole.slice(0, 2 + (at % (whole.length - 1)))
    rest[1] = rest.length - 2
    return rest
  })
  const several = fc.array(fc.oneof(encoded(protocolVersion), damaged, short), { minLength: 2, maxLength: 4 })
  return fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 64 }),
    encoded(protocolVersion),
    damaged,
    short,
    cut,
    several.map((all) => Uint8Array.from(all.flatMap((each) => [...each]))),
  )
}

test.each([
  [4, 'in place of the CONNACK'],
  [4, 'after it'],
  [5, 'in place of the CONNACK'],
  [5, 'after it'],
] as const)(
  'MQTT %i: whatever bytes come %s, the end is a typed failure',
  { timeout: 120_000 },
  async (protocolVersion, when) => {
    const server = await createScriptedServer()
    const thrown: unknown[] = []
    const onThrown = (error: unknown) => thrown.push(error)
    process.on('uncaughtException', onThrown)
    onTestFinished(async () => {
      process.off('uncaughtException', onThrown)
      await server[Symbol.asyncDispose]()
    })
    await fc.assert(
      fc.asyncProperty(bytes(protocolVersion), fc.boolean(), async (noise, closes) => {
        const behaviour: Behaviour = {
          steps: [
            {
              at: when === 'after it' ? 'connack' : 'connect',
              do: (connection: ScriptedConnection) => {
                connection.write(noise)
                // Half a packet, or one that is harmless, leaves the connection open: then it ends this way.
                setTimeout(() => (closes ? connection.close() : connection.reset()), 3)
              },
            },
          ],
        }
        server.setScript(behaviour)
        const { failure, settled } = await live(server.url, protocolVersion)
        // Of this run only: fast-check looks for a smaller one after it.
        expect(thrown.splice(0)).toEqual([])
        expect(KINDS).toContain(failure?.kind)
        expect(settled.every((each) => each === undefined || each instanceof ResilientMqttError)).toBe(true)
      }),
      { numRuns: Math.ceil(RUNS / 4) },
    )
    await until(() => server.openSockets === 0, 'no socket is left')
  },
)

/** A client's life until its first failure, with a subscription and publishes of all QoS under way. */
async function live(url: string, protocolVersion: 4 | 5) {
  const client = new ResilientMqttClient({
    url,
    options: { protocolVersion, clientId: 'fuzzed', clean: false },
    reconnect: { enabled: false },
    recovery: { enabled: false },
    timeouts: { connectTimeout: 500, subscribeTimeout: 200, disconnectTimeout: 100 },
  })
  client.on('error', () => {})
  client.subscribe('#', () => {}, { qos: 2 })
  const publishes = ([0, 1, 2] as const).map((qos) =>
    client.publish('a', 'b', { qos }).then(
      () => undefined,
      (error: unknown) => error,
    ),
  )
  const failed = new Promise<Failure>((resolve) => client.on('gaveUp', (event) => resolve(event.failure)))
  await client.connect().catch((error: unknown) => {
    if (!(error instanceof ConnectionFailedError)) throw error
  })
  const failure = await within(failed, 'the failure')
  await within(client[Symbol.asyncDispose](), 'the end')
  const settled = await within(Promise.all(publishes), 'the publishes')
  return { failure, settled }
}

function within<T>(work: Promise<T>, what: string): Promise<T> {
  let timer: ReturnType<typeof setTimeout>
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took more than ${BOUND} ms`)), BOUND)
  })
  return Promise.race([work, late]).finally(() => clearTimeout(timer))
}
