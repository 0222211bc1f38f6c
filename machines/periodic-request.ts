import { assign, fromCallback, setup, type AnyEventObject } from 'xstate'

import type { PeriodicSchedule } from './connection/types.ts'
import { chance, clampDelay } from './policy/backoff.ts'
import { systemNow, systemRandom } from './system-defaults.ts'

/** The least time limit for sending a request, in milliseconds. */
const LONGEST_SENDING = 30_000

/** The input of `periodicRequestMachine`. */
export interface PeriodicRequestInput {
  readonly schedule: PeriodicSchedule
  readonly random?: () => number
  /** In milliseconds since 1970. */
  readonly now?: () => number
}

/** What `periodicRequestMachine` remembers: its schedule, and counts since it was started. */
export interface PeriodicRequestContext {
  readonly schedule: PeriodicSchedule
  /** When the next request is due, in milliseconds since 1970. */
  readonly dueAt: number
  readonly sent: number
  readonly responses: number
  readonly timeouts: number
  readonly failures: number
}

/** What `periodicRequestMachine` receives. */
export type PeriodicRequestEvent =
  | { readonly type: 'connection.ready' }
  | { readonly type: 'connection.lost' }
  | { readonly type: 'PAUSE' }
  | { readonly type: 'RESUME' }
  /** The request was sent. If a response is expected, its timeout starts now. */
  | { readonly type: 'request.sent' }
  /** The request was acknowledged and, if a response is expected, answered. */
  | { readonly type: 'request.done' }
  /** The request could not be sent, or the broker refused it. */
  | { readonly type: 'request.failed' }

/**
 * The input of the `request` actor, which finds topic and payload by the id: they never pass through the machine. The
 * actor reports `request.sent` if a response is expected, and finally `request.done` or `request.failed`. If the actor
 * is stopped, it abandons the request.
 */
export interface RequestInput {
  readonly id: string
}

/**
 * Sends one request after another while the connection is ready. The first follows immediately, requests never overlap,
 * and requests that were missed during an outage are not made up for. The provided `request` actor sends the requests.
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
    /** Called for a request that was not sent or not answered in time. Provided by the client. It must not throw. */
    announceTimeout: () => {},
    countFailure: assign({ failures: ({ context }) => context.failures + 1 }),
  },
  delays: {
    // At most one interval, even if the wall clock was set back.
    untilDue: ({ context }) => clampDelay(Math.min(context.dueAt - rulesOf(context).now(), longestInterval(context))),
    // A payload function may never return, and an acknowledgement may never arrive.
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
      description: 'The connection is not ready. Nothing is sent or queued.',
      on: { 'connection.ready': 'awaiting', PAUSE: 'paused.offline' },
    },
    awaiting: {
      description: 'A request is pending; the next one waits for its end.',
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
          description: 'The request is being sent and, if no response is expected, acknowledged.',
          after: { sendingTimeout: { target: '#periodicRequest.due', actions: ['countTimeout', 'announceTimeout'] } },
          on: { 'request.sent': { guard: 'responseExpected', target: 'sent' } },
        },
        sent: {
          description: 'The request waits for its response.',
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

/** The functions of each schedule, kept here so that no context contains a function. */
const rules = /* @__PURE__ */ new WeakMap<PeriodicSchedule, Rules>()
const defaultRules: Rules = { random: systemRandom, now: systemNow }

/** Copies the schedule, because another actor may use the same object with other functions. */
function ownSchedule({ schedule, random = systemRandom, now = systemNow }: PeriodicRequestInput): PeriodicSchedule {
  const own = Object.freeze({ ...schedule })
  rules.set(own, { random, now })
  return own
}

function rulesOf({ schedule }: PeriodicRequestContext): Rules {
  return rules.get(schedule) ?? defaultRules
}

/** How long sending a request may take, in milliseconds, including its acknowledgement if no response is expected. */
export function longestSending(interval: number): number {
  return Math.max(interval, LONGEST_SENDING)
}

/** At least 1 ms: an interval of 0 would block the event loop. */
function nextInterval(context: PeriodicRequestContext): number {
  const { schedule } = context
  const spread = 1 + schedule.jitter * (2 * chance(rulesOf(context).random) - 1)
  return Math.max(1, schedule.interval * spread)
}

function longestInterval({ schedule }: PeriodicRequestContext): number {
  return Math.max(1, schedule.interval * (1 + schedule.jitter))
}
