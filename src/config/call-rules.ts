import type { BirthPublishOptions } from '../api/birth.ts'
import type {
  DisconnectOptions,
  HandlerRetryOptions,
  PeriodicRequestOptions,
  PublishOptions,
  RequestOptions,
  ResponseOptions,
  SubscribeOptions,
} from '../api/message-options.ts'
import { isBytes } from '../shared/bytes.ts'
import {
  abortSignal,
  anything,
  boolean,
  callback,
  callbackOr,
  count,
  group,
  methods,
  must,
  oneOf,
  positive,
} from '../shared/option-rules.ts'
import type { RulesFor } from '../shared/read-options.ts'
import { backoff } from './client-rules.ts'
import { parseUserProperties } from './publish-properties.ts'
import { filterRule, topicRule } from './topics.ts'

// Rules for the options of single calls.

const qos = must('must be 0, 1 or 2', (value) => value === 0 || value === 1 || value === 2)

const timeout = must('must be at least 0 milliseconds', (value) => typeof value === 'number' && value >= 0)

const codec = methods('encode', 'decode')

export const publishRules = {
  qos,
  retain: boolean,
  // Checked when they are copied.
  properties: anything,
  ttl: positive,
  latest: must('must be true, false or a string', (value) => typeof value === 'boolean' || typeof value === 'string'),
  durable: boolean,
  codec,
  signal: abortSignal,
} satisfies RulesFor<PublishOptions>

export const birthPublishRules = {
  qos,
  retain: boolean,
  properties: anything,
  codec,
} satisfies RulesFor<BirthPublishOptions>

const retry = {
  ...backoff,
  maxAttempts: count,
  whenExhausted: oneOf('acknowledge', 'reconnect'),
} satisfies RulesFor<HandlerRetryOptions>

export const subscribeRules = {
  qos,
  noLocal: boolean,
  retainAsPublished: boolean,
  retainHandling: must('must be 0, 1 or 2', (value) => value === 0 || value === 1 || value === 2),
  userProperties: (option, value) => parseUserProperties(value, option),
  retry: group(retry),
  ack: must('must be "on-receipt" or "after-handler"', (value) => value === 'on-receipt' || value === 'after-handler'),
  codec,
  schema: must(
    'must be a schema that implements Standard Schema',
    (value) => typeof (Object(value) as Record<string, { validate?: unknown }>)['~standard']?.validate === 'function',
  ),
  onInvalid: callback,
  bufferSize: must('must be at least 1', (value) => typeof value === 'number' && value >= 1),
} satisfies RulesFor<SubscribeOptions>

export const requestRules = {
  timeout: positive,
  signal: abortSignal,
  qos,
  responseTopic: topicRule,
  match: callback,
} satisfies RulesFor<RequestOptions>

const responseRules = { filter: filterRule, timeout: positive, match: callback } satisfies RulesFor<ResponseOptions>

export const periodicRules = {
  topic: topicRule,
  payload: callbackOr(
    must(
      'must be a string, a Uint8Array, or a function that returns one',
      (value) => typeof value === 'string' || isBytes(value),
    ),
  ),
  interval: positive,
  jitter: must('must be between 0 and 1', (value) => typeof value === 'number' && value >= 0 && value <= 1),
  qos,
  response: group(responseRules),
  onResponse: callback,
  onTimeout: callback,
} satisfies RulesFor<PeriodicRequestOptions>

export const connectRules = { signal: abortSignal } satisfies RulesFor<{ signal?: AbortSignal }>

export const disconnectRules = {
  signal: abortSignal,
  drainTimeout: timeout,
  outbox: oneOf('reject', 'keep'),
  handlers: oneOf('abandon', 'finish'),
  timeout,
  reasonCode: oneOf(0x00, 0x04),
  sessionExpiry: must('must be at least 0, or Infinity', (value) => typeof value === 'number' && value >= 0),
  userProperties: (option, value) => parseUserProperties(value, option),
} satisfies RulesFor<DisconnectOptions>

export const waitRules = { signal: abortSignal, timeout } satisfies RulesFor<{ signal?: AbortSignal; timeout?: number }>
