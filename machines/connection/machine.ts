import * as patch from './context.ts'
import { connectionSetup } from './setup.ts'
import { persistable } from './persistable.ts'

/** Where a failure leads, whatever it was and wherever it came from: the first guard that holds decides. */
const decide = [
  { guard: 'isFatal', target: '#failed', actions: 'recordFailure' },
  { guard: 'wantsCredentials', target: '#refreshingToken', actions: ['recordFailure', 'becauseRefused'] },
  { guard: 'redirects', target: '#connecting', reenter: true, actions: ['recordFailure', 'followRedirect'] },
  { guard: 'recoveryGoesOn', target: '#recovering', actions: 'recordFailure' },
  { guard: 'recoveryIsOver', target: '#failed', actions: 'recordFailure' },
  { guard: 'attemptsLeft', target: '#reconnecting', actions: 'recordFailure' },
  { target: '#failed', actions: 'recordFailure' },
] as const

/** An attempt goes first for credentials if there are none, they were refused, or they are about to expire. */
const attempt = <const Action extends string>(action: Action) =>
  [
    { guard: 'needsCredentials', target: '#refreshingToken', actions: [action, 'becauseNeeded'] },
    { target: '#connecting', actions: [action] },
  ] as const

/** The gate lets the attempt begin. Who waited too long for its credentials gets new ones, and keeps its place. */
const beginAttempt = [
  { guard: 'needsCredentialsByNow', target: '#refreshingToken', actions: ['recordAdmitted', 'becauseNeeded'] },
  { guard: 'awaitsAdmission', target: '#connecting', reenter: true, actions: 'recordAdmitted' },
] as const

/** The gate lets us replace the connection, which stayed open until then. */
const beginReplacement = [
  { guard: 'awaitsRenewal', target: '#refreshingToken', actions: 'recordAdmitted' },
  { guard: 'awaitsAdmission', target: '#connecting', actions: 'recordAdmitted' },
] as const

/** A recovery cycle goes for credentials in every n-th cycle too, and recreates the client. */
const recover = <const Action extends string>(action: Action) =>
  [
    {
      guard: 'refreshesInThisCycle',
      target: '#refreshingToken',
      actions: ['recreateClient', 'becauseOfCycle', action],
    },
    { guard: 'needsCredentials', target: '#refreshingToken', actions: ['recreateClient', 'becauseNeeded', action] },
    { target: '#connecting', actions: ['recreateClient', action] },
  ] as const

/** What a recovery cycle does, at once and because somebody asks for it. */
const recoverNow = <const Target extends string>(refreshing: Target) =>
  [
    { guard: 'canRefresh', target: refreshing, actions: ['startOver', 'newClient', 'becauseRequested'] },
    { target: '#connecting', actions: ['startOver', 'newClient'] },
  ] as const

/** During a planned renewal the new credentials are awaited, unless the failure leads elsewhere or asks for a pause. */
const decideOnline = [
  { guard: 'renewalGoesOn', target: '#refreshingToken.offline', actions: 'recordFailure' },
  ...decide,
] as const

/** A planned renewal that failed is repeated after a backoff, as long as what we have is still valid. */
const stayConnected = {
  guard: 'mayStay',
  target: '#ready',
  actions: ['recordRefreshFailed', 'announceRefreshFailed'],
} as const

/**
 * The authority over one MQTT connection. Provide `transport`, which opens a connection and reports how it ends, and,
 * with `canRefresh`, `refreshToken`. Payloads and secrets never pass through it.
 */
export const connectionMachine = /* @__PURE__ */ persistable(
  connectionSetup.createMachine({
    id: 'connection',
    context: ({ input }) => patch.initialContext(input),
    invoke: {
      id: 'subscriptions',
      src: 'subscriptions',
      input: ({ context }) => patch.subscriptionsInput(context),
    },
    initial: 'idle',
    on: {
      DISCONNECT: '.disconnecting',
      'PERIODIC.START': { actions: 'startPeriodic' },
      'PERIODIC.STOP': { actions: 'stopPeriodic' },
      // A periodic request's actor that threw is dropped. What any other is good for only a connection can need.
      'xstate.error.actor.*': { actions: 'stopPeriodic' },
    },
    states: {
      idle: {
        description: 'Not asked to connect yet.',
        tags: 'resting',
        on: { CONNECT: attempt('startOver'), DISCONNECT: {} },
      },
      connecting: {
        id: 'connecting',
        description:
          'A connection is being opened, once a gate admits it: socket, TLS, WebSocket, CONNECT. The CONNACK is awaited.',
        tags: 'busy',
        entry: ['goOffline', 'openTransport'],
        exit: 'releaseAdmission',
        after: { connectTimeout: decide },
        on: {
          'admission.granted': beginAttempt,
          // A gate that broke keeps nobody out.
          'xstate.error.actor.admission': beginAttempt,
          'transport.opened': { target: 'connected', actions: 'recordOpened' },
          'transport.failed': decide,
          'xstate.error.actor.transport': decide,
        },
      },
      connected: {
        description: 'The broker accepted the connection.',
        tags: 'online',
        initial: 'restoring',
        exit: 'releaseAdmission',
        // A broker that acknowledges nothing would else be tried for ever as if for the first time.
        after: { stableAfter: { actions: 'prove' } },
        on: {
          'transport.failed': decide,
          'xstate.error.actor.transport': decide,
          'xstate.error.actor.subscriptions': decide,
          'subscriptions.unanswered': decide,
          'transport.proven': { actions: 'recordStable' },
          // Whoever set the packet aside sees to it that such failures become rare; they lead to no giving up.
          'transport.blameless': { actions: 'startOver' },
          WAKE: { actions: 'probe' },
          DROP: { actions: 'drop' },
        },
        states: {
          restoring: {
            description: 'The wanted subscriptions are brought to the broker. Publishes wait.',
            tags: 'busy',
            entry: 'restoreSubscriptions',
            on: {
              'subscriptions.progress': { actions: 'recordRestore' },
              'subscriptions.restored': { target: 'ready', actions: 'announceReady' },
              RECOVER: recoverNow('#refreshingToken.offline'),
            },
          },
          ready: {
            id: 'ready',
            description: 'Messages flow. Credentials are renewed before they expire, in turn if there is a gate.',
            tags: 'ready',
            entry: ['openGate', 'runPeriodic'],
            // A timer takes 24.8 days at most: then it only starts again.
            after: {
              renewalDue: [
                { guard: 'renewsInTurn', actions: ['becauseNeeded', 'requestAdmission'] },
                { guard: 'needsCredentials', target: '#refreshingToken', actions: 'becauseNeeded' },
                { target: 'ready', reenter: true },
              ],
            },
            on: {
              'PERIODIC.START': { actions: ['startPeriodic', 'runPeriodic'] },
              'admission.granted': beginReplacement,
              'xstate.error.actor.admission': beginReplacement,
              RECOVER: [
                { guard: 'isGated', actions: ['startOver', 'newClient', 'becauseRequested', 'requestAdmission'] },
                ...recoverNow('#refreshingToken.online'),
              ],
            },
          },
        },
      },
      reconnecting: {
        id: 'reconnecting',
        description: 'The fast tier: the next attempt follows after a backoff.',
        tags: 'waiting',
        entry: ['goOffline', 'scheduleReconnect', 'announceReconnect'],
        after: { reconnectDelay: attempt('endWait') },
        on: { WAKE: attempt('uncount'), RETRY: attempt('startOver'), RECOVER: recoverNow('#refreshingToken.offline') },
      },
      failed: {
        id: 'failed',
        description: 'The fast tier gave up, or the failure was fatal. Recovery follows if the policy allows it.',
        tags: 'resting',
        entry: ['goOffline', 'announceFailed', 'settleWaiting'],
        exit: 'tryAgain',
        // Not at once, so that an observer sees `failed` before `recovering`.
        after: { 0: { guard: 'mayRecover', target: 'recovering' } },
        on: { RETRY: attempt('startOver'), RECOVER: recoverNow('#refreshingToken.offline') },
      },
      recovering: {
        id: 'recovering',
        description: 'The slow tier: after a longer backoff the client is recreated, with a new token every n-th time.',
        tags: 'waiting',
        entry: ['goOffline', 'scheduleRecovery', 'announceRecovery'],
        after: { recoveryDelay: recover('endWait') },
        on: { WAKE: recover('uncount'), RETRY: attempt('startOver'), RECOVER: recoverNow('#refreshingToken.offline') },
      },
      refreshingToken: {
        id: 'refreshingToken',
        description: 'The credentials source is asked for new credentials.',
        tags: 'busy',
        initial: 'online',
        exit: 'releaseAdmission',
        invoke: {
          id: 'refresh',
          src: 'refreshToken',
          input: ({ context }) => ({ reason: context.refreshReason }),
          onDone: { target: 'connecting', actions: ['recordRefreshed', 'announceRefreshed'] },
          onError: [stayConnected, ...decide],
        },
        after: { refreshTimeout: [stayConnected, ...decide] },
        states: {
          online: {
            description: 'A planned renewal: the connection stays open and messages flow.',
            tags: ['online', 'ready'],
            always: { guard: 'notOpen', target: 'offline' },
            on: {
              'transport.failed': decideOnline,
              'xstate.error.actor.transport': decideOnline,
              'xstate.error.actor.subscriptions': decideOnline,
              'subscriptions.unanswered': decideOnline,
              'PERIODIC.START': { actions: ['startPeriodic', 'runPeriodic'] },
              WAKE: { actions: 'probe' },
              DROP: { actions: 'drop' },
            },
          },
          offline: {
            description: 'There is no connection; the next one needs the new credentials.',
            entry: 'goOffline',
          },
        },
      },
      disconnecting: {
        description: 'DISCONNECT is sent, the closed socket is awaited.',
        tags: 'busy',
        entry: ['quiesce', 'askToClose'],
        always: { guard: 'nothingToClose', target: 'disconnected' },
        after: { disconnectTimeout: 'disconnected' },
        on: {
          'transport.closed': 'disconnected',
          'transport.failed': 'disconnected',
          'xstate.error.actor.transport': 'disconnected',
          DISCONNECT: {},
        },
      },
      disconnected: {
        description: 'Disconnected because somebody asked for it.',
        tags: 'resting',
        entry: ['goOffline', 'endOutage'],
        on: { CONNECT: attempt('startOver'), DISCONNECT: {} },
      },
    },
  }),
)
