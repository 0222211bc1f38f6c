import { failureOf } from '../../machines/connection/read-event.ts'
import { describeFailure } from '../../src/api/describe-failure.ts'
import type { Step } from '../../src/recorder/format.ts'
import { replayedEvent } from '../../src/recorder/recorded-event.ts'

const commands: Readonly<Record<string, string>> = {
  CONNECT: 'the application connects',
  DISCONNECT: 'the application disconnects',
  RETRY: 'the application resets the counters',
  RECOVER: 'the application asks for a recovery cycle',
  WAKE: 'woken: the network may be back',
  DROP: 'the application drops the connection',
  'admission.granted': 'the gate admits the attempt',
  'transport.opened': 'the broker accepts the connection',
  'transport.proven': 'the connection is proven',
  'transport.closed': 'the connection is closed',
  'subscriptions.restored': 'the subscriptions are restored',
  'xstate.done.actor.refresh': 'there is a new token',
}

/** Says in one line what happened to the machine. */
export function causeInWords({ event, timer }: Pick<Step, 'event' | 'timer'>): string {
  if (!event) return `${timer} has passed`
  const { type } = event
  if (type === 'transport.failed' || (type.startsWith('xstate.error.actor.') && !isPeriodic(type))) {
    return describeFailure(failureOf(replayedEvent(event) as never))
  }
  if (type === 'server.chosen') return `the attempt goes to ${String(event.address)}`
  return commands[type] ?? type
}

function isPeriodic(type: string): boolean {
  return !/\.(transport|subscriptions|refresh)$/.test(type)
}
