import { assign, fromCallback, setup, type AnyEventObject } from 'xstate'

import { systemNow, systemRandom } from './system-defaults.ts'
import type { PeriodicSchedule } from './connection/types.ts'
import { chance, clampDelay } from './policy/backoff.ts'

/** In milliseconds. */
const LONGEST_SENDING = 30_000

export interface PeriodicRequestInput {
  readonly schedule: PeriodicSchedule
  readonly random?: () => number
  /** In milliseconds since 1970. */
  readonly now?: () => number
}

export interface PeriodicRequestContext {
  readonly schedule: PeriodicSchedule
  /** When the next request is due, in milliseconds since 1970. */
  readonly dueAt: number
  readonly sent: number
  readonly responses: number
  readonly timeouts: number
  readonly failures: number
}

export type PeriodicRequestEvent =
  | { readonly type: 'connection.ready' }
  | { readonly type: 'connection.lost' }
  | { readonly type: 'PAUSE' }
  | { readonly type: 'RESUME' }
  /** The request is sent: from now on its response is awaited, if one is expected. */
  | { readonly type: 'request.sent' }
  /** The request is done: acknowledged, and answered if a response is expected. */
  | { readonly type: 'request.done' }
  /** The request could not be sent, or the broker refused it. */
  | { readonly type: 'request.failed' }

/**
 * What the `request` actor is told. It finds topic and payload by the id; they never pass through the machine. It
 * reports `request.sent` if a response is expected, and then `request.done`, or `request.failed`. When it is stopped,
 * the request is given up.
 */
export interface RequestInput {
  readonly id: string
}

/**
 * Sends one request after another while the connection is ready: the first at once, never two at a time, and never one
 * to make up for what an outage swallowed. What a request is, the provided `request` actor knows.
 */
export const periodicRequestMachine = setup({
  types: {
    input: {} as PeriodicRequestInput,
    context: {} as PeriodicRequestContext,
    events: {} as PeriodicRequestEvent,
    children: {} as { request: 'request' },
  },
  actors: {
    request: fromCallback<AnyEventObject, RequestInput>(({ sendBack }) => sendBack({ type: 'request.done' })),
  },
  guards: {
    responseExpected: ({ context }) => context.schedule.responseTimeout !== null,
  },
  actions: {
    begin: assign(({ context }) => ({ sent: context.sent + 1, dueAt: rulesOf(context).now() + nextInterval(context) })),
    countResponse: assign({ responses: ({ context }) => context.responses + 1 }),
    countTimeout: assign({ timeouts: ({ context }) => context.timeouts + 1 }),
    /** Provided by who owns the requests. It must not throw. */
    announceTimeout: () => {},
    countFailure: assign({ failures: ({ context }) => context.failures + 1 }),
  },
  delays: {
    // Never more than an interval: somebody may set the wall clock back.
    untilDue: ({ context }) => clampDelay(Math.min(context.dueAt - rulesOf(context).now(), longestInterval(context))),
    // The payload may never be made, and the acknowledgement never come.
    sendingTimeout: ({ context }) => clampDelay(longestSending(context.schedule.interval)),
    responseTimeout: ({ context }) => clampDelay(context.schedule.responseTimeout ?? context.schedule.interval),
  },
}).createMachine({
  id: 'periodicRequest',
  context: ({ input }) => ({
    schedule: ownSchedule(input),
    dueAt: 0,
    sent: 0,
    responses: 0,
    timeouts: 0,
    failures: 0,
  }),
  initial: 'offline',
  on: { 'connection.lost': '.offline' },
  states: {
    offline: {
      description: 'The connection is not ready. Nothing is sent, nothing piles up.',
      on: { 'connection.ready': 'awaiting', PAUSE: 'paused.offline' },
    },
    awaiting: {
      description: 'A request is under way; the next one waits for its end.',
      entry: 'begin',
      invoke: {
        id: 'request',
        src: 'request',
        input: ({ context }) => ({ id: context.schedule.id }),
        onError: { target: 'due', actions: 'countFailure' },
      },
      initial: 'sending',
      states: {
        sending: {
          description: 'It is sent; if no response is expected, its acknowledgement is awaited.',
          after: { sendingTimeout: { target: '#periodicRequest.due', actions: ['countTimeout', 'announceTimeout'] } },
          on: { 'request.sent': { guard: 'responseExpected', target: 'sent' } },
        },
        sent: {
          description: 'Its response is awaited.',
          after: { responseTimeout: { target: '#periodicRequest.due', actions: ['countTimeout', 'announceTimeout'] } },
        },
      },
      on: {
        'request.done': [{ guard: 'responseExpected', target: 'due', actions: 'countResponse' }, { target: 'due' }],
        'request.failed': { target: 'due', actions: 'countFailure' },
        PAUSE: 'paused.ready',
      },
    },
    due: {
      description: 'The next request is due after the rest of the interval.',
      after: { untilDue: 'awaiting' },
      on: { PAUSE: 'paused.ready' },
    },
    paused: {
      description: 'Paused by the application.',
      initial: 'offline',
      states: {
        offline: { on: { 'connection.ready': 'ready', RESUME: '#periodicRequest.offline' } },
        ready: { on: { 'connection.lost': 'offline', RESUME: '#periodicRequest.awaiting' } },
      },
      on: { 'connection.lost': '.offline' },
    },
  },
})

interface Rules {
  readonly random: () => number
  readonly now: () => number
}

/** Found by the schedule, so that no context holds a function. */
const rules = /* @__PURE__ */ new WeakMap<PeriodicSchedule, Rules>()
const defaultRules: Rules = { random: systemRandom, now: systemNow }

/** A copy: others may use the same schedule with other functions. */
function ownSchedule({ schedule, random = systemRandom, now = systemNow }: PeriodicRequestInput): PeriodicSchedule {
  const own = Object.freeze({ ...schedule })
  rules.set(own, { random, now })
  return own
}

function rulesOf({ schedule }: PeriodicRequestContext): Rules {
  return rules.get(schedule) ?? defaultRules
}

/** How long it may take until a request is sent and, if no response is expected, acknowledged; in milliseconds. */
export function longestSending(interval: number): number {
  return Math.max(interval, LONGEST_SENDING)
}

/** At least 1 ms: an interval of 0 would never let go of the event loop. */
function nextInterval(context: PeriodicRequestContext): number {
  const { schedule } = context
  const spread = 1 + schedule.jitter * (2 * chance(rulesOf(context).random) - 1)
  return Math.max(1, schedule.interval * spread)
}

function longestInterval({ schedule }: PeriodicRequestContext): number {
  return Math.max(1, schedule.interval * (1 + schedule.jitter))
}
