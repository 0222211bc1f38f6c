import type { Attributes, BatchObservableResult, Meter, Observable } from '@opentelemetry/api'

import { connectionStates } from '../machines/connection/types.ts'
import type { ClientFigures } from './followed-client.ts'
import { CLIENT_STATE, DIRECTION, INBOX_STATE, OUTCOME, SUBSCRIPTION_STATE } from './names.ts'
import type { Totals } from './totals.ts'

/** What is observed of clients that have the same attributes. */
export interface Observed {
  readonly attributes: Attributes
  readonly clients: readonly ClientFigures[]
  /** Of these clients, and of those that have left. */
  readonly totals: Totals
}

type Observe = (value: number, more?: Attributes) => void

/** A metric that is read when metrics are collected. */
interface ObservedMetric {
  readonly kind: 'Counter' | 'UpDownCounter' | 'Gauge'
  readonly name: string
  readonly unit: string
  readonly description: string
  readonly observe: (observed: Observed, observe: Observe) => void
}

const observedMetrics: readonly ObservedMetric[] = [
  {
    kind: 'UpDownCounter',
    name: 'mqtt.client.count',
    unit: '{client}',
    description: 'Clients in each state',
    observe: ({ clients }, observe) => {
      for (const state of connectionStates) {
        observe(clients.filter(({ status }) => status.state === state).length, { [CLIENT_STATE]: state })
      }
    },
  },
  {
    kind: 'UpDownCounter',
    name: 'mqtt.client.ready',
    unit: '{client}',
    description: 'Clients for which messages flow',
    observe: ({ clients }, observe) => observe(clients.filter(({ health }) => health.ready).length),
  },
  {
    kind: 'UpDownCounter',
    name: 'mqtt.client.live',
    unit: '{client}',
    description: 'Clients that are ready or can become ready by themselves',
    observe: ({ clients }, observe) => observe(clients.filter(({ health }) => health.live).length),
  },
  {
    kind: 'Counter',
    name: 'mqtt.client.state.duration',
    unit: 's',
    description: 'For how long clients were in each state',
    observe: ({ totals }, observe) => {
      for (const state of connectionStates) observe((totals.states[state] ?? 0) / 1_000, { [CLIENT_STATE]: state })
    },
  },
  {
    kind: 'Counter',
    name: 'mqtt.client.connection.attempts',
    unit: '{attempt}',
    description: 'Attempts to connect that have ended',
    observe: ({ totals: { counters } }, observe) => {
      observe(counters.connects, { [OUTCOME]: 'success' })
      observe(counters.failedAttempts, { [OUTCOME]: 'failure' })
    },
  },
  {
    kind: 'Counter',
    name: 'mqtt.client.connection.interruptions',
    unit: '{interruption}',
    description: 'Open connections that were lost',
    observe: ({ totals }, observe) => observe(totals.counters.interruptions),
  },
  {
    kind: 'Counter',
    name: 'mqtt.client.connection.redirects',
    unit: '{redirect}',
    description: 'Server References that were followed',
    observe: ({ totals }, observe) => observe(totals.counters.redirects),
  },
  {
    kind: 'Counter',
    name: 'mqtt.client.recovery.cycles',
    unit: '{cycle}',
    description: 'Recovery cycles that began',
    observe: ({ totals }, observe) => observe(totals.counters.cycles),
  },
  {
    kind: 'Counter',
    name: 'mqtt.client.credentials.refreshes',
    unit: '{refresh}',
    description: 'Calls of the credentials source that have ended',
    observe: ({ totals: { counters } }, observe) => {
      observe(counters.tokenRefreshes, { [OUTCOME]: 'success' })
      observe(counters.failedTokenRefreshes, { [OUTCOME]: 'failure' })
    },
  },
  {
    kind: 'Gauge',
    name: 'mqtt.client.reconnect.attempt',
    unit: '{attempt}',
    description: 'The attempt of the fast tier, 0 if it is not active; of several clients, the highest',
    observe: ({ clients }, observe) => observe(highest(clients, ({ status }) => status.attempt)),
  },
  {
    kind: 'Gauge',
    name: 'mqtt.client.recovery.cycle',
    unit: '{cycle}',
    description: 'The cycle of the recovery tier, 0 if it is not active; of several clients, the highest',
    observe: ({ clients }, observe) => observe(highest(clients, ({ status }) => status.cycle)),
  },
  {
    kind: 'UpDownCounter',
    name: 'mqtt.client.outbox.messages',
    unit: '{message}',
    description: 'Publishes that wait',
    observe: ({ clients }, observe) => observe(total(clients, ({ status }) => status.outbox.size)),
  },
  {
    kind: 'UpDownCounter',
    name: 'mqtt.client.outbox.size',
    unit: 'By',
    description: 'The topics and payloads of publishes that wait',
    observe: ({ clients }, observe) => observe(total(clients, ({ status }) => status.outbox.bytes)),
  },
  {
    kind: 'Gauge',
    name: 'mqtt.client.outbox.age',
    unit: 's',
    description: 'How long the oldest publish has waited; 0 if none waits',
    observe: ({ clients }, observe) => observe(highest(clients, ({ age }) => age) / 1_000),
  },
  {
    kind: 'UpDownCounter',
    name: 'mqtt.client.inflight.messages',
    unit: '{message}',
    description: 'Publishes of QoS 1 and 2 that are sent and not acknowledged',
    observe: ({ clients }, observe) => observe(total(clients, ({ status }) => status.outbox.inFlight)),
  },
  {
    kind: 'UpDownCounter',
    name: 'mqtt.client.inflight.limit',
    unit: '{message}',
    description: 'How many publishes the brokers allow to be unacknowledged (Receive Maximum)',
    observe: ({ clients }, observe) => observe(total(clients, ({ status }) => status.broker?.receiveMaximum ?? 0)),
  },
  {
    kind: 'UpDownCounter',
    name: 'mqtt.client.inbox.messages',
    unit: '{message}',
    description: 'Received messages that are not processed',
    observe: ({ clients }, observe) => {
      observe(
        total(clients, ({ status }) => status.inbox.unprocessed),
        { [INBOX_STATE]: 'processing' },
      )
      observe(
        total(clients, ({ status }) => status.inbox.waiting),
        { [INBOX_STATE]: 'waiting' },
      )
    },
  },
  {
    kind: 'Counter',
    name: 'mqtt.client.inbox.dropped',
    unit: '{message}',
    description: 'Messages of QoS 0 that were dropped because too many waited',
    observe: ({ totals }, observe) => observe(totals.inbox.dropped),
  },
  {
    kind: 'UpDownCounter',
    name: 'mqtt.client.subscriptions',
    unit: '{subscription}',
    description: 'Topic filters that the application wants',
    observe: ({ clients }, observe) => {
      const sums = { held: 0, refused: 0, suspended: 0, pending: 0 }
      for (const { status } of clients) {
        const { wanted, held, refused, suspended } = status.subscriptions
        sums.held += held
        sums.refused += refused
        sums.suspended += suspended
        sums.pending += Math.max(0, wanted - held - refused - suspended)
      }
      for (const [state, count] of Object.entries(sums)) observe(count, { [SUBSCRIPTION_STATE]: state })
    },
  },
  {
    kind: 'Counter',
    name: 'mqtt.client.network.io',
    unit: 'By',
    description: 'Bytes of all connections, without those of TLS',
    observe: ({ totals: { traffic } }, observe) => {
      observe(traffic.sent, { [DIRECTION]: 'transmit' })
      observe(traffic.received, { [DIRECTION]: 'receive' })
    },
  },
]

/** Creates the metrics of connections. @param observe - called when metrics are collected */
export function observeConnections(meter: Meter, observe: () => readonly Observed[]): void {
  const instruments = new Map<ObservedMetric, Observable>()
  for (const metric of observedMetrics) {
    const { kind, name, unit, description } = metric
    instruments.set(metric, meter[`createObservable${kind}`](name, { unit, description }))
  }
  const callback = (result: BatchObservableResult) => {
    for (const observed of observe()) {
      for (const [metric, instrument] of instruments) {
        metric.observe(observed, (value, more) =>
          result.observe(instrument, value, { ...observed.attributes, ...more }),
        )
      }
    }
  }
  meter.addBatchObservableCallback(callback, [...instruments.values()])
}

function total<Item>(items: readonly Item[], value: (item: Item) => number): number {
  return items.reduce((sum, item) => sum + value(item), 0)
}

function highest<Item>(items: readonly Item[], value: (item: Item) => number): number {
  return items.reduce((most, item) => Math.max(most, value(item)), 0)
}
