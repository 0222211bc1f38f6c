import type { Counter, Histogram, Meter } from '@opentelemetry/api'

/** Advised by the semantic conventions, in seconds. */
const explicitBucketBoundaries = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]

/** The metrics of messages that the semantic conventions define. Durations are in seconds. */
export interface MessageMetrics {
  readonly operationDuration: Histogram
  readonly sentMessages: Counter
  readonly consumedMessages: Counter
  readonly processDuration: Histogram
}

export function messageMetrics(meter: Meter): MessageMetrics {
  return {
    operationDuration: meter.createHistogram('messaging.client.operation.duration', {
      description: 'From the call of publish() until it is settled',
      unit: 's',
      advice: { explicitBucketBoundaries },
    }),
    sentMessages: meter.createCounter('messaging.client.sent.messages', {
      description: 'Publishes that were written to a connection',
      unit: '{message}',
    }),
    consumedMessages: meter.createCounter('messaging.client.consumed.messages', {
      description: 'Messages that were handed to a handler or a loop',
      unit: '{message}',
    }),
    processDuration: meter.createHistogram('messaging.process.duration', {
      description: 'For how long a handler or a loop processed a message',
      unit: 's',
      advice: { explicitBucketBoundaries },
    }),
  }
}
