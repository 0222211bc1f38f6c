import { fromCallback, type AnyEventObject } from 'xstate'

import type { Failure } from '../machines/failure.ts'
import type { TransportCommand, TransportInput } from '../machines/connection/types.ts'

/** One transport actor, as the test sees it: it opens, fails and closes when the test says so. */
export interface FakeConnection {
  readonly input: TransportInput
  /** What the machine sent to it. */
  readonly commands: readonly TransportCommand[]
  /** Whether the machine has stopped it. */
  readonly stopped: boolean
  /** The CONNACK arrives. @param sessionPresent - default `false` */
  open(sessionPresent?: boolean): void
  /** The connection, or the attempt, ends. @param failure - default: closed without a reason */
  fail(failure?: Failure): void
  /** The connection is closed as the machine asked. */
  closed(): void
}

/** A transport without sockets, to provide to `connectionMachine`. */
export interface FakeTransport {
  /** Provide it as `actors.transport`. */
  readonly logic: ReturnType<typeof fromCallback<TransportCommand, TransportInput>>
  /** Every connection so far, in order. */
  readonly connections: readonly FakeConnection[]
  /** The newest one. Throws if there is none yet. */
  readonly current: FakeConnection
  /** How many are running now: never more than one. */
  readonly running: number
}

/**
 * Creates a transport without sockets.
 *
 * @param script - called for each connection, to let it answer by itself; by default it answers a CLOSE and a DROP,
 *   and otherwise waits for the test
 */
export function createFakeTransport(script?: (connection: FakeConnection) => void): FakeTransport {
  const connections: FakeConnection[] = []

  const logic = fromCallback<TransportCommand, TransportInput>(({ input, sendBack, receive }) => {
    const connection = fakeConnection(input, sendBack)
    connections.push(connection)
    receive((command) => {
      connection.commands.push(command)
      if (command.type === 'CLOSE') connection.closed()
      if (command.type === 'DROP') connection.fail(dropped)
    })
    script?.(connection)
    return () => {
      connection.stopped = true
    }
  })

  return {
    logic,
    connections,
    get current() {
      const newest = connections.at(-1)
      if (!newest) throw new Error('the machine has not opened a connection yet')
      return newest
    },
    get running() {
      return connections.filter((connection) => !connection.stopped).length
    },
  }
}

const dropped: Failure = { kind: 'socket', code: 'ECONNABORTED', message: 'dropped on request' }

function fakeConnection(input: TransportInput, sendBack: (event: AnyEventObject) => void) {
  return {
    input,
    commands: [] as TransportCommand[],
    stopped: false,
    open: (sessionPresent = false) => sendBack({ type: 'transport.opened', sessionPresent }),
    fail: (failure: Failure = { kind: 'closed' }) => sendBack({ type: 'transport.failed', failure }),
    closed: () => sendBack({ type: 'transport.closed' }),
  }
}
