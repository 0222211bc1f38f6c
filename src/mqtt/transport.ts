import type { AnyEventObject, CallbackLogicFunction } from 'xstate'

import type { TransportCommand, TransportInput } from '../../machines/connection/types.ts'
import { Connection, type ConnectionOptions } from './connection.ts'
import { createKnownServers } from './known-servers.ts'

/** The logic of a transport actor. */
export type Transport = CallbackLogicFunction<TransportCommand, AnyEventObject, TransportInput>

/**
 * Creates the logic of transport actors. One actor is one attempt: one `MqttClient`, one connection, one end. An actor
 * opens its socket only after the previous one has closed its own: two connections with the same client id would evict
 * each other.
 */
export function createTransport(options: ConnectionOptions): Transport {
  const known = createKnownServers(options.time, options.onIdleTimeoutLearnt)
  let closing: Promise<void> | undefined

  return ({ input, sendBack, receive }) => {
    const connection = new Connection(options, known, sendBack)
    const previous = closing
    receive(({ type }) => {
      if (type === 'PROBE') connection.probe()
      else if (type === 'DROP') connection.drop()
      else if (type === 'REAUTHENTICATE') connection.reauthenticate()
      else void Promise.all([previous, connection.close()]).then(() => sendBack({ type: 'transport.closed' }))
    })

    if (previous) void previous.then(() => connection.open(input))
    else void connection.open(input)

    return () => {
      connection.abandoned()
      const closed = Promise.all([previous, connection.close()]).then(() => {
        if (closing === closed) closing = undefined
      })
      closing = closed
    }
  }
}
