import { fromCallback, type AnyEventObject } from 'xstate'

import type { TransportCommand, TransportInput } from '../machines/connection/types.ts'
import type { Failure } from '../machines/failure.ts'

/** One transport actor, controlled by a test: the test decides when the connection opens, fails and closes. */
export interface FakeConnection {
  readonly input: TransportInput
  /** The commands that the machine sent to it. */
  readonly commands: readonly TransportCommand[]
  /** Whether the machine has stopped it. */
  readonly stopped: boolean
  /**
   * Reports that the CONNACK has arrived.
   *
   * @param sessionPresent - default `false`
   * @param reauthenticates - whether it takes REAUTHENTICATE; default `false`
   */
  open(sessionPresent?: boolean, reauthenticates?: boolean): void
  /** Reports that the broker has taken the new credentials. */
  reauthenticated(): void
  /** Reports that the connection or the attempt has failed. @param failure - default: closed without a reason */
  fail(failure?: Failure): void
  /** Reports that the connection is closed, as the machine requested. */
  closed(): void
}

/** A transport without sockets, to provide to `connectionMachine`. */
export interface FakeTransport {
  /** Provide it as `actors.transport`. */
  readonly logic: ReturnType<typeof fromCallback<TransportCommand, TransportInput>>
  /** All connections so far, in order. */
  readonly connections: readonly FakeConnection[]
  /** The newest connection. Throws if the machine has not opened one yet. */
  readonly current: FakeConnection
  /** How many connections the machine has not stopped. It should never be more than one. */
  readonly running: number
}

/**
 * Creates a transport without sockets.
 *
 * @param script - called with each new connection, for example to open it at once. Without a script, a connection answers
 *   CLOSE and DROP, and otherwise waits for the test.
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
    open: (sessionPresent = false, reauthenticates = false) =>
      sendBack({ type: 'transport.opened', sessionPresent, reauthenticates }),
    reauthenticated: () => sendBack({ type: 'transport.reauthenticated' }),
    fail: (failure: Failure = { kind: 'closed' }) => sendBack({ type: 'transport.failed', failure }),
    closed: () => sendBack({ type: 'transport.closed' }),
  }
}
