import { createActor, type InspectionEvent } from 'xstate'

import { connectionMachine } from '../../machines/index.ts'
import { createFakeTransport, createTestClock } from '../../testing/index.ts'

/** A connection machine with a fake transport. Its clock stands still, so no delay ends while a page opens. */
export function startConnection(inspect: (event: InspectionEvent) => void, id?: string) {
  const transport = createFakeTransport()
  const machine = connectionMachine.provide({ actors: { transport: transport.logic } })
  const actor = createActor(machine, { ...(id !== undefined && { id }), clock: createTestClock(), inspect }).start()
  return { actor, transport }
}
