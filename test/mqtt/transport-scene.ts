import { onTestFinished } from 'vitest'
import { createActor, fromCallback, setup } from 'xstate'

import { noServer } from '../../machines/connection/servers.ts'
import type { ConnectionFact, TransportInput } from '../../machines/connection/types.ts'
import type { Failure } from '../../machines/failure.ts'
import type { Clock } from '../../src/api/clock.ts'
import type { Credentials } from '../../src/api/credentials.ts'
import type { ConnectOptions } from '../../src/api/options.ts'
import { parseConnectOptions } from '../../src/config/parse-options.ts'
import type { Attempt } from '../../src/mqtt/client-options.ts'
import type { ConnectionOptions } from '../../src/mqtt/connection.ts'
import { createTransport } from '../../src/mqtt/transport.ts'
import type { Link } from '../../src/session/link.ts'
import { PacketIds } from '../../src/session/outgoing/packet-ids.ts'
import { monotonicTime, realClock } from '../../src/shared/clock.ts'
import { Waiters } from '../../testing/wait-for.ts'

/** Options for connecting, checked and completed. Without `protocolVersion: 'auto'`, which a transport does not see. */
export function connectConfig(options: ConnectOptions = {}): Attempt['connect'] {
  return parseConnectOptions(options, false) as Attempt['connect']
}

export interface AttemptOptions {
  readonly url: string
  readonly options?: ConnectOptions
  readonly credentials?: Credentials
  readonly clock?: Clock
  readonly disconnectTimeout?: number
  readonly prepare?: ConnectionOptions['prepare']
  readonly isAwaitingAnswer?: () => boolean
}

/**
 * Transport actors under a parent that records all their events and, unlike the machine, continues to listen after
 * the first failure.
 */
export function transportScene(attempt: AttemptOptions) {
  const { clock = realClock } = attempt
  const told: ConnectionFact[] = []
  const links: Link[] = []
  const received: string[] = []
  const errors: unknown[] = []
  const learnt: { readonly silence: number; readonly keepalive: number }[] = []
  const waiters = new Waiters(() => `Told: ${JSON.stringify(told)}`)

  const open = createTransport({
    prepare: () => ({
      url: attempt.url,
      clientId: 'test',
      connect: connectConfig(attempt.options),
      credentials: attempt.credentials,
    }),
    packetIds: new PacketIds(),
    clock,
    time: monotonicTime(clock, Date.now),
    disconnectTimeout: attempt.disconnectTimeout ?? 5_000,
    probeTimeout: 5_000,
    authenticationTimeout: 10_000,
    onError: (error) => errors.push(error),
    onIdleTimeoutLearnt: (event) => void learnt.push(event),
    events: {
      attemptFailed: () => {},
      attached: (link) => void links.push(link),
      detached: () => false,
      acknowledged: () => {},
      received: ({ topic }) => received.push(topic) < 0,
      released: () => false,
      written: () => {},
      isAwaitingAnswer: attempt.isAwaitingAnswer ?? (() => false),
      writable: () => {},
    },
    ...(attempt.prepare && { prepare: attempt.prepare }),
  })
  const transport = fromCallback(open)

  const parent = setup({ actors: { transport } }).createMachine({
    initial: 'down',
    on: {
      'transport.*': {
        actions: ({ event }) => {
          told.push(event as ConnectionFact)
          waiters.changed()
        },
      },
    },
    states: {
      down: { on: { UP: 'up' } },
      up: {
        invoke: { id: 'transport', src: 'transport', input },
        on: { UP: { target: 'up', reenter: true }, DOWN: 'down' },
      },
    },
  })
  const actor = createActor(parent).start()
  onTestFinished(() => void actor.stop())

  const failures = () => told.filter((event) => event.type === 'transport.failed').map(({ failure }) => failure)
  return {
    told,
    links,
    /** Topics of the received messages. */
    received,
    errors,
    /** The idle timeouts that were learnt. */
    learnt,
    failures,
    /** Starts an attempt, and stops the previous one. */
    start: () => actor.send({ type: 'UP' }),
    /** Stops the attempt, as the machine does when it leaves a state. */
    stop: () => actor.send({ type: 'DOWN' }),
    send: (type: 'CLOSE' | 'PROBE' | 'DROP') => actor.getSnapshot().children['transport']?.send({ type }),
    waitFor: (type: ConnectionFact['type'], n = 1) =>
      waiters.wait(type, () => told.filter((event) => event.type === type).length >= n),
    failure: (): Promise<Failure> => waiters.wait('a failure', () => failures()[0]),
  }
}

export type TransportScene = ReturnType<typeof transportScene>

const input: TransportInput = {
  attempt: 0,
  cycle: 0,
  generation: 1,
  server: noServer,
  servers: [],
  failure: null,
  replaces: false,
}
