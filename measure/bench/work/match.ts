import {
  defaultClient,
  defaultInbox,
  defaultOutbox,
  defaultQuarantine,
  defaultRetry,
  defaultTimeouts,
} from '../../../src/config/defaults.ts'
import type { Receiver } from '../../../src/session/incoming/receiver.ts'
import { Session } from '../../../src/session/session.ts'
import { realClock } from '../../../src/shared/clock.ts'
import type { IncomingPublish } from '../../../src/wire/packets.ts'

export interface MatchTask {
  readonly kind: 'match'
  readonly peer: 'ours' | 'loop'
  readonly filters: number
  /** In milliseconds. */
  readonly duration: number
}

/** Measures the way from a message to the handlers whose filters match: ours, and a loop that an app would write. */
export function match({ peer, filters, duration }: MatchTask) {
  const names = Array.from({ length: filters }, (_, n) => filterAt(n))
  // More topics than the cache holds, so that the matching is measured.
  const topics = Array.from({ length: 20_000 }, (_, n) => `site/${n % 100}/device/${(n * 7) % filters}/temperature`)
  const started = performance.now()
  const dispatch = peer === 'ours' ? ourDispatch(names) : loopDispatch(names)
  const prepared = performance.now()
  let messages = 0
  let handled = 0
  while (performance.now() - prepared < duration) {
    // Reading the clock takes time. Ours is fast, so the clock is read only after every 200 messages.
    for (let i = 0; i < (peer === 'ours' ? 200 : 1); i++) handled += dispatch(topics[messages++ % topics.length] ?? '')
  }
  if (handled === 0) throw new Error('No filter matched')
  return {
    rate: messages / ((performance.now() - prepared) / 1_000),
    prepare: prepared - started,
  }
}

function filterAt(n: number): string {
  if (n % 1_000 === 0) return `site/+/device/${n}/#`
  return n % 10 === 0 ? `site/+/device/${n}/temperature` : `site/${n % 100}/device/${n}/temperature`
}

const noop = () => {}

function ourDispatch(names: readonly string[]) {
  const session = createSession()
  let handled = 0
  const receiver = (filter: string): Receiver => ({
    filter,
    qos: 0,
    noLocal: false,
    retainAsPublished: false,
    retainHandling: 0,
    ack: 'on-receipt',
    retry: defaultRetry,
    options: {},
    subscription: { filter, ready: Promise.resolve(0), isPaused: false, unsubscribe: noop, pause: noop, resume: noop },
    pausable: { isHolding: false, held: 0, pause: noop, resume: noop, sentAgain: noop, drop: noop },
    isRefused: false,
    granted: noop,
    rejected: noop,
    postponed: noop,
    deliver: () => void handled++,
  })
  for (const name of names) session.subscribe(receiver(name))
  const payload = new Uint8Array(64)
  const rest = { payload, qos: 0, retain: false, dup: false, packetId: 0, properties: undefined } as const
  return (topic: string) => {
    const before = handled
    session.received({ ...rest, topic } satisfies IncomingPublish)
    return handled - before
  }
}

function createSession(): Session {
  const ignore = () => {}
  return new Session(
    {
      clock: realClock,
      now: Date.now,
      time: () => performance.now(),
      random: Math.random,
      journal: undefined,
      outbox: defaultOutbox,
      inbox: defaultInbox,
      quarantine: defaultQuarantine,
      timeouts: defaultTimeouts,
      expectTrafficWithin: defaultClient.expectTrafficWithin,
      subscriptions: { batchSize: 100, onSessionPresent: 'skip', maxAttempts: 5 },
      deliverUnmatched: undefined,
      keepsSession: () => false,
    },
    {
      drained: ignore,
      acknowledging: ignore,
      publishQuarantined: ignore,
      publishRateReduced: ignore,
      orphanFailed: ignore,
      wantedChanged: ignore,
      subscriptionRefused: ignore,
      subscriptionGranted: ignore,
      subscriptionFailed: ignore,
      subscriptionSuspended: ignore,
      subscriptionResumed: ignore,
      unclaimed: ignore,
      messageFailed: ignore,
      acknowledgementsStalled: ignore,
      slowConsumer: ignore,
      sessionExpiryReduced: ignore,
      sessionLost: ignore,
    },
  )
}

/** With raw MQTT.js, which has one `message` event for all topics, an app loops over its filters. */
function loopDispatch(names: readonly string[]) {
  const split = names.map((name) => name.split('/'))
  return (topic: string) => {
    const levels = topic.split('/')
    let handled = 0
    for (const filter of split) if (matches(filter, levels)) handled++
    return handled
  }
}

function matches(filter: readonly string[], levels: readonly string[]): boolean {
  for (let i = 0; i < filter.length; i++) {
    if (filter[i] === '#') return true
    if (filter[i] !== '+' && filter[i] !== levels[i]) return false
  }
  return filter.length === levels.length
}
