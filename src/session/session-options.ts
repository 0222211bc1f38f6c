import type { Timeouts } from '../../machines/config.ts'
import type { Clock } from '../api/clock.ts'
import type { Journal } from './outgoing/journal.ts'
import type { OutboxOptions, QuarantineOptions } from '../api/options.ts'
import type { Publication } from './outgoing/publication.ts'
import type { QuarantinedPublish } from '../api/quarantine.ts'

export interface SessionOptions {
  readonly outbox: OutboxOptions
  readonly clock: Clock
  readonly timeouts: Pick<Timeouts, 'ackTimeout' | 'probeTimeout'>
  /** In milliseconds since 1970: what a message of an earlier process has waited is measured in it. */
  readonly now: () => number
  /** From 0 to 1. */
  readonly random: () => number
  /** Nothing waits, and nothing is in flight any more. */
  readonly onDrained: () => void
  /** The broker acknowledges, after `isAcknowledging` was false. */
  readonly onAcknowledging?: () => void
  /** Where durable publications are written down. */
  readonly journal?: Journal | undefined
  /** A durable publication that nobody waits for any more came to nothing. */
  readonly onOrphanFailed?: (publication: Publication, error: unknown) => void
  readonly quarantine: QuarantineOptions
  /** A durable publication was taken out, because the broker closes the connection on it. */
  readonly onQuarantined?: (publish: QuarantinedPublish) => void
  /** Whether a SUBSCRIBE or UNSUBSCRIBE is under way: then a publish is not the only one that the broker may mind. */
  readonly othersOnWire: () => boolean
  /** Called before a publish is written: what was subscribed before it goes first. */
  readonly onPublish?: () => void
}
