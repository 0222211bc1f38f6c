import type { ResilientMqttClient } from '../../src/index.ts'
import {
  createTestClock,
  type Behaviour,
  type Script,
  type ScriptedServer,
  type TestClock,
} from '../../testing/index.ts'
import { turns } from './event-loop.ts'
import { scriptedClient, type ScriptedClientOptions } from './scripted-client.ts'

/** How a broker objects to a packet. */
export type Objection = 'close' | 'reset' | { readonly disconnect: { readonly reasonCode: number } }

/** Retries after a second, for ever. */
export const steady = {
  reconnect: { initialDelay: 1_000, maxDelay: 1_000, jitter: 'none', maxAttempts: Number.POSITIVE_INFINITY },
} as const

/** The script of a broker that objects to publishes to some topics, and to some filters. */
export function objectingBroker({
  publish,
  subscribe,
  how = 'close',
  present = true,
}: {
  readonly publish?: (topic: string) => boolean
  readonly subscribe?: (filters: readonly string[]) => boolean
  readonly how?: Objection
  readonly present?: boolean
}): Script {
  const object = (connection: Parameters<Extract<NonNullable<Behaviour['steps']>[number]['do'], Function>>[0]) => {
    if (how === 'reset') return connection.reset()
    if (how !== 'close') connection.disconnect(how.disconnect)
    connection.close()
  }
  return (_connection, n) => ({
    connack: { sessionPresent: present && n > 1 },
    steps: [
      {
        at: 'publish',
        do: (connection, { topic, qos, messageId = 0 }) => {
          if (publish?.(topic)) object(connection as never)
          else if (qos > 0) connection.send({ cmd: qos === 1 ? 'puback' : 'pubrec', messageId })
        },
      },
      {
        at: 'subscribe',
        do: (connection, { subscriptions, messageId = 0 }) => {
          if (subscribe?.(subscriptions.map(({ topic }) => topic))) object(connection as never)
          else connection.send({ cmd: 'suback', messageId, granted: subscriptions.map(() => 0) })
        },
      },
    ],
  })
}

export interface ClockedClient {
  readonly server: ScriptedServer
  readonly client: ResilientMqttClient
  readonly clock: TestClock
  /** Lets time pass until `look` returns something truthy; resolves with how long that took, in milliseconds. */
  until(look: () => unknown, most?: number): Promise<number>
  /** Connects, and lets time pass until it is ready. */
  connect(): Promise<void>
}

/** A scripted client on a test clock. */
export async function clockedClient(options: ScriptedClientOptions): Promise<ClockedClient> {
  const clock = createTestClock()
  const { server, client } = await scriptedClient({ clock, now: clock.now, ...steady, ...options })
  const until = (look: () => unknown, most?: number) => passTime({ clock, server, client }, look, most)
  const connect = async () => {
    let ready = false
    const connecting = client.connect().then(() => (ready = true))
    await until(() => ready)
    await connecting
  }
  return { server, client, clock, until, connect }
}

const SHORTEST_STEP = 250
const LONGEST_STEP = 2_000

/**
 * Lets time pass. Each step gives the network turns of the event loop. Steps are short while there is traffic or no
 * connection, and grow while a connection is idle: three hours of short steps take seconds.
 */
async function passTime(
  { clock, server, client }: Pick<ClockedClient, 'clock' | 'server' | 'client'>,
  look: () => unknown,
  most = 7_200_000,
): Promise<number> {
  const begun = clock.now()
  let step = SHORTEST_STEP
  let seen = trafficOf(server)
  while (!look()) {
    if (clock.now() - begun > most) throw new Error(`Not within ${most} ms: ${String(look)}`)
    await turns(12)
    const now = trafficOf(server)
    step = client.isConnected && now === seen ? Math.min(2 * step, LONGEST_STEP) : SHORTEST_STEP
    seen = now
    clock.tick(step)
  }
  return clock.now() - begun
}

/** Changes with each connection and each packet from the client. */
function trafficOf({ connections }: ScriptedServer): string {
  return `${connections.length} ${connections.at(-1)?.packets.length}`
}
