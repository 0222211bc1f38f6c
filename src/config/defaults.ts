import type { InboxOptions, OutboxOptions, QuarantineOptions } from '../api/options.ts'
export const defaultOutbox: OutboxOptions = Object.freeze({
  maxMessages: 10_000,
  maxBytes: 64 * 1024 * 1024,
  overflow: 'reject',
})

export const defaultInbox: Required<InboxOptions> = Object.freeze({
  claimTimeout: 5_000,
  maxUnclaimed: 1_000,
  stallAfter: 30_000,
})

export const defaultQuarantine: QuarantineOptions = Object.freeze({
  after: 120_000,
  initialDelay: 5_000,
  maxDelay: 900_000,
})
