import type { Attributes, MeterProvider } from '@opentelemetry/api'

import type { ResilientMqttClient } from '../src/index.ts'
import type { TapSlot } from '../src/session/message-tap.ts'
import { type Observed, observeConnections } from './connection-metrics.ts'
import { type ClientFigures, FollowedClient } from './followed-client.ts'
import { type MessageMetrics, messageMetrics } from './message-metrics.ts'
import { SCOPE } from './names.ts'
import { Problems } from './problems.ts'
import { none, sum, type Totals } from './totals.ts'

/** Clients with the same attributes. Their figures are added up, because a metric has one value for each set of attributes. */
interface Alike {
  readonly attributes: Attributes
  readonly clients: Map<ResilientMqttClient, FollowedClient>
  /** Of clients that have left, so that counters never fall. */
  left: Totals
}

const groups = new WeakMap<MeterProvider, MeterGroup>()

/** All instrumented clients of one meter provider. */
export class MeterGroup {
  readonly messages: MessageMetrics
  readonly #problems = new Problems()
  readonly #alike = new Map<string, Alike>()

  /** The group of a provider. */
  static of(provider: MeterProvider): MeterGroup {
    let group = groups.get(provider)
    if (!group) groups.set(provider, (group = new MeterGroup(provider)))
    return group
  }

  private constructor(provider: MeterProvider) {
    const meter = provider.getMeter(SCOPE)
    this.messages = messageMetrics(meter)
    // For good: the SDK would go on to report what was observed last.
    observeConnections(meter, () => this.#observed())
  }

  /** Observes a client. @returns stops that */
  add(client: ResilientMqttClient, slot: TapSlot, attributes: Attributes): () => void {
    const key = JSON.stringify(Object.entries(attributes).toSorted(([a], [b]) => (a < b ? -1 : 1)))
    const alike = this.#alike.get(key) ?? { attributes, clients: new Map(), left: none }
    this.#alike.set(key, alike)
    alike.clients.set(client, new FollowedClient(client, slot))
    return () => {
      const followed = alike.clients.get(client)
      if (!followed) return
      alike.clients.delete(client)
      alike.left = sum(alike.left, followed.end())
    }
  }

  #observed(): Observed[] {
    return Array.from(this.#alike.values(), ({ attributes, clients, left }) => {
      const figures: ClientFigures[] = []
      let totals = left
      for (const followed of clients.values()) {
        this.#problems.guard('the status of a client', () => {
          const each = followed.figures
          figures.push(each)
          totals = sum(totals, followed.totals(each.status))
        })
      }
      return { attributes, clients: figures, totals }
    })
  }
}
