import { assign, fromCallback, sendParent, setup, type AnyEventObject } from 'xstate'

import { defaultTimeouts, withDefaults } from './config.ts'
import { backoffDelay, clampDelay, policyData, type BackoffPolicy, type PolicyData } from './policy/backoff.ts'
import { systemRandom } from './system-defaults.ts'

/** How refused subscriptions are retried. */
export interface ResubscribePolicy extends BackoffPolicy {
  /** How often a refused filter is tried again before it is reported as failed. @default 5 */
  readonly maxAttempts: number
}

/** The default of `resubscribe`. Delays are in milliseconds. */
export const defaultResubscribe: ResubscribePolicy = Object.freeze({
  initialDelay: 1_000,
  multiplier: 2,
  maxDelay: 60_000,
  jitter: 'equal',
  maxAttempts: 5,
})

/** The input of `subscriptionsMachine`. Durations are in milliseconds. */
export interface SubscriptionsInput {
  /** From a SUBSCRIBE to its SUBACK, in milliseconds. @default 30_000 */
  readonly subscribeTimeout?: number
  readonly resubscribe?: Partial<ResubscribePolicy>
  readonly random?: () => number
}

/** What `subscriptionsMachine` remembers. Durations are in milliseconds. */
export interface SubscriptionsContext {
  readonly subscribeTimeout: number
  readonly resubscribe: PolicyData<ResubscribePolicy>
  /** Number of SUBACKs in a row that did not arrive in time. */
  readonly unanswered: number
  /** Number of rounds in a row in which the broker refused a filter. */
  readonly refusals: number
  readonly sessionPresent: boolean
  readonly wanted: number
  readonly held: number
  readonly refused: number
  /** Subscriptions that are left out for a while, because the broker closes the connection on them. */
  readonly suspended: number
}

/** What `subscriptionsMachine` receives. */
export type SubscriptionsEvent =
  /** The connection is open: the wanted subscriptions must be restored. */
  | { readonly type: 'connection.opened'; readonly sessionPresent: boolean }
  | { readonly type: 'connection.lost' }
  /** The application subscribed or unsubscribed, or a suspended subscription is due. */
  | { readonly type: 'wanted.changed' }
  /** A SUBACK or UNSUBACK arrived. */
  | { readonly type: 'sync.progress'; readonly done: number; readonly total: number }
  /**
   * Every SUBSCRIBE and UNSUBSCRIBE is answered. `retryable` of the refused filters may be tried again. For the
   * `suspended` ones a later `wanted.changed` follows.
   */
  | {
      readonly type: 'sync.settled'
      readonly wanted: number
      readonly held: number
      readonly refused: number
      readonly retryable: number
      readonly suspended: number
    }

/** The input of the `sync` actor. */
export interface SyncInput {
  /** Whether this is the first round on this connection. */
  readonly restoring: boolean
  /** Whether refused filters are tried again. */
  readonly retrying: boolean
  /** Whether an answer did not arrive in time, so that the packets must be sent again. */
  readonly repeating: boolean
  readonly sessionPresent: boolean
}

/** The functions of each policy, kept here because a context must survive JSON. */
const rules = /* @__PURE__ */ new WeakMap<
  object,
  { readonly policy: ResubscribePolicy; readonly random: () => number }
>()

function resubscribePolicy({ resubscribe, random = systemRandom }: SubscriptionsInput): PolicyData<ResubscribePolicy> {
  const policy = withDefaults(defaultResubscribe, resubscribe)
  const data = policyData(policy)
  rules.set(data, { policy, random })
  return data
}

/** A policy from JSON gets the default functions. */
function resubscribeDelay({ resubscribe, refusals }: SubscriptionsContext): number {
  const { policy, random } = rules.get(resubscribe) ?? {
    policy: {
      ...resubscribe,
      jitter: resubscribe.jitter === 'custom' ? defaultResubscribe.jitter : resubscribe.jitter,
    },
    random: systemRandom,
  }
  return backoffDelay(policy, refusals, random)
}

/** After this many missing SUBACKs in a row, the connection is replaced. */
const MAX_UNANSWERED = 2

/**
 * Makes the subscriptions that the broker holds match the wanted ones. The machine only knows their numbers; the
 * provided `sync` actor owns filters and handlers. Without that actor, no subscriptions are wanted.
 */
export const subscriptionsMachine = setup({
  types: {
    input: {} as SubscriptionsInput,
    context: {} as SubscriptionsContext,
    events: {} as SubscriptionsEvent,
    children: {} as { sync: 'sync' },
  },
  actors: {
    sync: fromCallback<AnyEventObject, SyncInput>(({ sendBack }) => {
      sendBack({ type: 'sync.settled', wanted: 0, held: 0, refused: 0, retryable: 0, suspended: 0 })
    }),
  },
  guards: {
    deaf: ({ context }) => context.unanswered + 1 >= MAX_UNANSWERED,
    someRetryable: ({ event }) => event.type === 'sync.settled' && event.retryable > 0,
  },
  actions: {
    rememberSession: assign(({ event }) =>
      event.type === 'connection.opened' ? { sessionPresent: event.sessionPresent, unanswered: 0, refusals: 0 } : {},
    ),
    countUnanswered: assign({ unanswered: ({ context }) => context.unanswered + 1 }),
    countRefusal: assign({ refusals: ({ context }) => context.refusals + 1 }),
    clearRefusals: assign({ refusals: 0 }),
    heard: assign({ unanswered: 0 }),
    takeCounts: assign(({ event }) =>
      event.type === 'sync.settled'
        ? {
            wanted: event.wanted,
            held: event.held,
            refused: event.refused,
            suspended: event.suspended,
            unanswered: 0,
          }
        : {},
    ),
    reportProgress: sendParent(({ event }) =>
      event.type === 'sync.progress'
        ? { type: 'subscriptions.progress', done: event.done, total: event.total }
        : { type: 'subscriptions.progress', done: 0, total: 0 },
    ),
    reportRestored: sendParent(({ context }) => ({
      type: 'subscriptions.restored',
      restored: context.held,
      refused: context.refused,
    })),
    reportUnanswered: sendParent({ type: 'subscriptions.unanswered' }),
  },
  delays: {
    subscribeTimeout: ({ context }) => clampDelay(context.subscribeTimeout),
    resubscribeDelay: ({ context }) => resubscribeDelay(context),
  },
}).createMachine({
  id: 'subscriptions',
  context: ({ input }) => ({
    subscribeTimeout: input.subscribeTimeout ?? defaultTimeouts.subscribeTimeout,
    resubscribe: resubscribePolicy(input),
    unanswered: 0,
    refusals: 0,
    sessionPresent: false,
    wanted: 0,
    held: 0,
    refused: 0,
    suspended: 0,
  }),
  initial: 'offline',
  on: {
    'connection.opened': { target: '.restoring', actions: 'rememberSession' },
    'connection.lost': '.offline',
  },
  states: {
    offline: { description: 'There is no connection. The wanted subscriptions are remembered.' },
    restoring: {
      description: 'The connection is new: the client subscribes to the filters that the broker does not hold.',
      invoke: {
        id: 'sync',
        src: 'sync',
        input: ({ context }) => syncInput(context, { restoring: true, retrying: true }),
        onError: '#subscriptions.unanswered',
      },
      initial: 'awaiting',
      states: { awaiting: { after: { subscribeTimeout: '#subscriptions.unanswered' } } },
      on: {
        'sync.progress': { target: '.awaiting', actions: ['heard', 'reportProgress'] },
        'sync.settled': [
          { guard: 'someRetryable', target: 'refused', actions: ['takeCounts', 'countRefusal', 'reportRestored'] },
          { target: 'settled', actions: ['takeCounts', 'reportRestored'] },
        ],
      },
    },
    unanswered: {
      description: 'No SUBACK arrived in time. The client tries once more, then replaces the connection.',
      always: [
        { guard: 'deaf', target: 'deaf' },
        { target: 'restoring', actions: 'countUnanswered' },
      ],
    },
    deaf: {
      description: 'The broker does not answer SUBSCRIBE packets: the connection must be replaced.',
      entry: 'reportUnanswered',
    },
    settled: {
      description: 'The broker holds the wanted subscriptions.',
      entry: 'clearRefusals',
      on: { 'wanted.changed': 'syncing' },
    },
    syncing: {
      description: 'The application subscribed or unsubscribed: the changes are sent.',
      invoke: {
        id: 'sync',
        src: 'sync',
        input: ({ context }) => syncInput(context, { restoring: false, retrying: true }),
        onError: '#subscriptions.resyncing',
      },
      initial: 'awaiting',
      states: { awaiting: { after: { subscribeTimeout: '#subscriptions.resyncing' } } },
      on: {
        'sync.progress': { target: '.awaiting', actions: 'heard' },
        'sync.settled': [
          { guard: 'someRetryable', target: 'refused', actions: ['takeCounts', 'countRefusal'] },
          { target: 'settled', actions: 'takeCounts' },
        ],
      },
    },
    resyncing: {
      description: 'No SUBACK arrived in time. The client tries once more, then replaces the connection.',
      always: [
        { guard: 'deaf', target: 'deaf' },
        { target: 'syncing', actions: 'countUnanswered' },
      ],
    },
    refused: {
      description: 'The broker refused a filter, which is tried again after a backoff. The others are not affected.',
      after: { resubscribeDelay: 'syncing' },
      initial: 'waiting',
      states: {
        waiting: { on: { 'wanted.changed': 'syncing' } },
        // Other changes in the meantime neither advance nor delay the retry.
        syncing: {
          invoke: {
            id: 'sync',
            src: 'sync',
            input: ({ context }) => syncInput(context, { restoring: false, retrying: false }),
            onError: '#subscriptions.resyncing',
          },
          initial: 'awaiting',
          states: { awaiting: { after: { subscribeTimeout: '#subscriptions.resyncing' } } },
          on: {
            'sync.progress': { target: '.awaiting', actions: 'heard' },
            'sync.settled': [
              { guard: 'someRetryable', target: 'waiting', actions: 'takeCounts' },
              { target: '#subscriptions.settled', actions: 'takeCounts' },
            ],
          },
        },
      },
    },
  },
})

function syncInput(
  { unanswered, sessionPresent }: SubscriptionsContext,
  round: Pick<SyncInput, 'restoring' | 'retrying'>,
): SyncInput {
  return { ...round, repeating: unanswered > 0, sessionPresent }
}
