import mqtt, { type MqttClient } from 'mqtt'
import type { Socket } from 'node:net'
import { describe, expect, test, vi } from 'vitest'

import { type Behaviour, createTestClock, type ScriptedServer } from '../../testing/index.ts'
import { turns, until } from '../support/event-loop.ts'
import { repetitions } from '../support/repetitions.ts'
import { schemes, serve, trusting } from '../support/servers.ts'
import { stubbornServer } from '../support/stubborn-server.ts'
import { webSocketServer } from '../support/web-socket-server.ts'
import { connectConfig, transportScene, type TransportScene } from './transport-scene.ts'

const RECONNECTS = repetitions(4, 100)

interface Phase {
  readonly name: string
  readonly script?: Behaviour
  readonly prepare?: () => Promise<never>
  /** Brings the attempt into the phase. */
  readonly reach: (server: ScriptedServer, scene: TransportScene) => unknown
  /** Whether the broker gets a DISCONNECT. */
  readonly graceful: boolean
}

const phases: Phase[] = [
  { name: 'preparing', prepare: () => new Promise(() => {}), reach: () => turns(), graceful: false },
  { name: 'connecting', reach: () => {}, graceful: false },
  {
    name: 'accepted, without an answer',
    script: { steps: [{ at: 'accept', do: 'ignore' }] },
    reach: (server) => server.waitFor(() => server.openSockets === 1),
    graceful: false,
  },
  {
    name: 'CONNECT sent',
    script: { connack: false },
    reach: (server) => server.waitFor('connect'),
    graceful: false,
  },
  { name: 'open', reach: (_, scene) => scene.waitFor('transport.opened'), graceful: true },
  {
    name: 'failed',
    script: { connack: { reasonCode: 0x87 } },
    reach: (_, scene) => scene.failure(),
    graceful: false,
  },
  {
    name: 'failed after it was open',
    script: { steps: [{ at: 'connack', after: 1, do: 'malformed' }] },
    reach: (_, scene) => scene.failure(),
    graceful: false,
  },
]

/** The ways in which the machine ends a connection. */
const ways = {
  'asked to close': (scene: TransportScene) => {
    scene.send('CLOSE')
    return scene.waitFor('transport.closed')
  },
  'asked twice': (scene: TransportScene) => {
    scene.send('CLOSE')
    scene.send('CLOSE')
    return scene.waitFor('transport.closed')
  },
  stopped: (scene: TransportScene) => scene.stop(),
  'asked to close, then stopped': (scene: TransportScene) => {
    scene.send('CLOSE')
    scene.stop()
  },
} as const

// Each takes 100 ms, because vitest has a timer of that length at the end of a test, and no timer may be left. In
// `npm test` every phase meets every scheme, and every way of closing.
const closings = phases.flatMap((phase, row) =>
  schemes.flatMap((scheme, column) =>
    (Object.keys(ways) as (keyof typeof ways)[])
      .filter((_, n) => (row + column + n) % repetitions(4, 1) === 0)
      .map((way) => ({ ...phase, phase: phase.name, scheme, way })),
  ),
)

test.each(closings)(
  'leaves no socket or timer: $phase on $scheme, $way',
  async ({ scheme, way, graceful, ...phase }) => {
    const clients = watchClients()
    const clock = createTestClock()
    const server = await serve(scheme, phase.script ? { script: phase.script } : {})
    const options = { ...trusting, protocolVersion: 5 } as const
    const { prepare } = phase
    const scene = transportScene({ url: server.url, options, clock, ...(prepare && { prepare }) })
    scene.start()
    await phase.reach(server, scene)
    await ways[way](scene)

    await turns(10)
    await server.waitFor(() => server.openSockets === 0)
    await until(
      () => handles() === '',
      () => `the end of ${handles()}`,
    )
    expect(clock.pending).toBe(0)
    expect(server.received('disconnect')).toHaveLength(Number(graceful))
    const disconnected = server.connections.filter(
      ({ ending }) => ending?.by === 'client' && ending.how === 'disconnect',
    )
    expect(disconnected).toHaveLength(Number(graceful))
    for (const client of clients) {
      // Only the handler that prevents a late error from being thrown.
      expect(client.eventNames()).toEqual(['error'])
      expect(client.stream.destroyed).toBe(true)
    }
  },
)

describe('a peer that never closes', () => {
  test('is closed after disconnectTimeout', async () => {
    const clock = createTestClock()
    const server = await stubbornServer()
    const scene = transportScene({ url: server.url, clock, disconnectTimeout: 2_000 })
    scene.start()
    await scene.waitFor('transport.opened')
    scene.send('CLOSE')
    await until(() => server.ended.size === 1, 'the FIN')
    clock.tick(1_999)
    await turns(10)
    expect(scene.told.map(({ type }) => type)).toEqual(['transport.opened'])
    clock.tick(1)
    await scene.waitFor('transport.closed')
    await expectGone(server.sockets[0])
    expect(clock.pending).toBe(0)
  })

  test('is closed over WebSocket after disconnectTimeout', async () => {
    const clock = createTestClock()
    // A binary frame with a CONNACK; the client's Close frame is never answered.
    const server = await webSocketServer((socket) => socket.write(Uint8Array.of(0x82, 4, 0x20, 2, 0, 0)))
    const scene = transportScene({ url: server.url, clock, disconnectTimeout: 2_000 })
    scene.start()
    await scene.waitFor('transport.opened')
    scene.send('CLOSE')
    await turns(10)
    clock.tick(1_999)
    await turns(10)
    expect(scene.told.map(({ type }) => type)).toEqual(['transport.opened'])
    clock.tick(1)
    await scene.waitFor('transport.closed')
    await expectGone([...server.sockets][0])
  })

  test('is closed even if it does not read', async () => {
    const clock = createTestClock()
    const server = await stubbornServer()
    const scene = transportScene({ url: server.url, clock, disconnectTimeout: 2_000 })
    scene.start()
    await scene.waitFor('transport.opened')
    server.sockets[0]?.pause()
    const big = {
      topic: 'big',
      payload: new Uint8Array(8 * 1024 * 1024),
      qos: 0,
      retain: false,
      properties: undefined,
    } as const
    while (scene.links[0]?.writable) scene.links[0].publish(big, 0, false)
    scene.send('CLOSE')
    await turns(10)
    expect(scene.told.map(({ type }) => type)).toEqual(['transport.opened'])
    clock.tick(2_000)
    await scene.waitFor('transport.closed')
  })

  test('is not waited for after a failure', async () => {
    const clock = createTestClock()
    const server = await stubbornServer()
    const scene = transportScene({ url: server.url, clock })
    scene.start()
    await scene.waitFor('transport.opened')
    server.sockets[0]?.write(Uint8Array.of(0, 0))
    await scene.failure()
    await expectGone(server.sockets[0])
    scene.start()
    await until(() => server.sockets.length === 2, 'the next connection')
  })
})

describe('closing before a replacement', () => {
  const ends: Record<string, (scene: TransportScene, server: ScriptedServer) => unknown> = {
    'by plan': () => {},
    'after a FIN': async (scene, server) => {
      server.kick('close')
      await until(() => scene.told.at(-1)?.type === 'transport.failed', 'the failure')
    },
    'after malformed bytes': async (scene, server) => {
      server.kick('malformed')
      await until(() => scene.told.at(-1)?.type === 'transport.failed', 'the failure')
    },
  }
  const replacements = schemes.flatMap((scheme) => Object.keys(ends).map((end) => ({ scheme, end })))

  test.each(replacements)(
    `never has two clients in ${RECONNECTS} reconnects: $end on $scheme`,
    async ({ scheme, end }) => {
      const crowds: number[] = []
      const server = await serve(scheme, {
        script: {
          connack: () => {
            crowds.push(server.connections.filter(({ connect, isOpen }) => connect && isOpen).length)
            return {}
          },
        },
      })
      const sockets = watchSockets()
      const scene = transportScene({ url: server.url, options: trusting })
      for (let n = 1; n <= RECONNECTS; n++) {
        scene.start()
        await until(() => scene.told.filter(({ type }) => type === 'transport.opened').length === n, `connection ${n}`)
        await ends[end]?.(scene, server)
      }
      scene.stop()
      await server.waitFor(() => server.openSockets === 0)
      expect(server.connections).toHaveLength(RECONNECTS)
      expect(Math.max(...crowds)).toBe(1)
      expect(sockets.most, 'open on the client’s side').toBe(1)
    },
  )

  test.each(schemes)('sends nothing twice on %s when the client is replaced while it connects', async (scheme) => {
    const server = await serve(scheme)
    const sockets = watchSockets()
    const scene = transportScene({ url: server.url, options: trusting })
    for (let n = 0; n < 20; n++) {
      scene.start()
      await turns(n % 4)
    }
    await scene.waitFor('transport.opened')
    expect(server.connections.filter(({ isOpen }) => isOpen)).toHaveLength(1)
    scene.stop()
    await server.waitFor(() => server.openSockets === 0)
    expect(sockets.most).toBe(1)
  })

  test('waits for a slow close, even if the attempt in between is given up', async () => {
    const clock = createTestClock()
    const server = await stubbornServer()
    let prepared = 0
    const prepare = () => {
      prepared++
      return {
        url: server.url,
        clientId: 'test',
        connect: connectConfig(),
        credentials: undefined,
        clock,
      }
    }
    const scene = transportScene({ url: server.url, clock, disconnectTimeout: 2_000, prepare })
    scene.start()
    await scene.waitFor('transport.opened')
    for (let n = 0; n < 5; n++) {
      scene.start()
      await turns(5)
    }
    expect(server.sockets).toHaveLength(1)
    clock.tick(1_999)
    await turns(10)
    expect(server.sockets).toHaveLength(1)
    clock.tick(1)
    await until(() => server.sockets.length === 2, 'the next connection')
    await turns(10)
    expect(server.sockets, 'only the last one connects').toHaveLength(2)
    expect(prepared, 'options are evaluated for attempts that are made').toBe(2)
  })

  test('reports the close only after the previous connection is closed too', async () => {
    const clock = createTestClock()
    const server = await stubbornServer()
    const scene = transportScene({ url: server.url, clock, disconnectTimeout: 2_000 })
    scene.start()
    await scene.waitFor('transport.opened')
    scene.start()
    await turns(5)
    scene.send('CLOSE')
    await turns(10)
    expect(scene.told.map(({ type }) => type)).toEqual(['transport.opened'])
    clock.tick(2_000)
    await scene.waitFor('transport.closed')
    await expectGone(server.sockets[0])
    expect(server.sockets).toHaveLength(1)
  })

  test('opens nothing if the options arrive after it was closed', async () => {
    const server = await serve('mqtt')
    let come: (attempt: never) => void = () => {}
    const prepare = () => new Promise<never>((resolve) => void (come = resolve))
    const scene = transportScene({ url: server.url, prepare })
    scene.start()
    scene.send('CLOSE')
    await scene.waitFor('transport.closed')
    come({ url: server.url, clientId: 'late', options: {}, credentials: undefined, clock: undefined } as never)
    await turns(20)
    expect(server.connections).toEqual([])
    expect(scene.failures()).toEqual([])
  })
})

/** The clients that MQTT.js creates from now on. */
function watchClients(): MqttClient[] {
  const clients: MqttClient[] = []
  const { connect } = mqtt
  vi.spyOn(mqtt, 'connect').mockImplementation((...args: Parameters<typeof connect>) => {
    const client = connect(...args)
    clients.push(client)
    return client
  })
  return clients
}

/** Counts the simultaneously open connections of MQTT.js, from `connect` to `close`. */
function watchSockets(): { readonly most: number } {
  let open = 0
  let most = 0
  const { connect } = mqtt
  vi.spyOn(mqtt, 'connect').mockImplementation((...args: Parameters<typeof connect>) => {
    const client = connect(...args)
    most = Math.max(most, ++open)
    client.once('close', () => open--)
    return client
  })
  return {
    get most() {
      return most
    },
  }
}

/** The sockets, requests and timers of this process, including those of the server. */
function handles(): string {
  const ours = /^(TCPSocket|TCPConnect|TLS|GetAddrInfo|HTTP|Shutdown|Write|Timeout)/
  return process
    .getActiveResourcesInfo()
    .filter((resource) => ours.test(resource))
    .toSorted()
    .join(' ')
}

/** Writing to a socket whose other end is gone ends it; one that is only half closed would take it. */
async function expectGone(socket: Socket | undefined): Promise<void> {
  await until(() => {
    socket?.write('x')
    return socket?.destroyed
  }, 'the reset')
}
