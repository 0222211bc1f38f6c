import type { ClientEvents } from '../api/events.ts'
import type { EventLog } from './event-log.ts'
import type { ReportedEvents } from './runtime.ts'

/** Emits an event of the client. */
type Emit = <Name extends keyof ClientEvents>(name: Name, event: ClientEvents[Name]) => void

/** Turns what a session reports into log lines and events of the client. */
export function sessionReports(log: EventLog, emit: Emit): ReportedEvents {
  const report = <Name extends keyof ClientEvents>(
    level: 'info' | 'warn' | 'error',
    name: Name,
    event: ClientEvents[Name],
    note?: string,
  ) => {
    log.event(level, name, event, note)
    emit(name, event)
  }
  return {
    subscriptionFailed: (filter, error) => {
      log.unheard('subscriptionFailed', `the subscription to ${filter} failed`, error)
      report('warn', 'subscriptionFailed', { filter, error })
    },
    subscriptionSuspended: (filter, delay) =>
      report('warn', 'subscriptionSuspended', { filter, delay }, `the broker closes the connection on ${filter}`),
    subscriptionResumed: (filter) => report('info', 'subscriptionResumed', { filter }),
    publishQuarantined: ({ id, topic, qos }) =>
      report('error', 'publishQuarantined', { id, topic, qos }, `the broker closes the connection on ${topic}`),
    unclaimed: ({ topic, qos }, isFirst) => {
      if (isFirst) log.event('warn', 'unclaimed', { topic, qos }, 'no subscription matches the message')
      emit('unclaimed', { topic, qos })
    },
    messageFailed: (failed) => report('error', 'messageFailed', failed),
    acknowledgementsStalled: (stall) => report('warn', 'acknowledgementsStalled', stall),
  }
}
