import * as patch from './context.ts'
import { persistable } from './persistable.ts'
import { connectionSetup } from './setup.ts'

/** The transitions for every failure, whatever its source. The first guard that holds decides. */
const decide = [
  { guard: 'isFatal', target: '#failed', actions: 'recordFailure' },
  { guard: 'wantsCredentials', target: '#refreshingToken', actions: ['recordFailure', 'becauseRefused'] },
  { guard: 'redirects', target: '#connecting', reenter: true, actions: ['recordFailure', 'followRedirect'] },
  { guard: 'recoveryGoesOn', target: '#recovering', actions: 'recordFailure' },
  { guard: 'recoveryIsOver', target: '#failed', actions: 'recordFailure' },
  { guard: 'attemptsLeft', target: '#reconnecting', actions: 'recordFailure' },
  { target: '#failed', actions: 'recordFailure' },
] as const

/**
 * Starts an attempt. It first obtains credentials if there are none, they were refused, or they are about to expire.
 */
const attempt = <const Action extends string>(action: Action) =>
  [
    { guard: 'needsCredentials', target: '#refreshingToken', actions: [action, 'becauseNeeded'] },
    { target: '#connecting', actions: [action] },
  ] as const

/** The gate admits the attempt. If the credentials expired during the wait, it obtains new ones and keeps its place. */
const beginAttempt = [
  { guard: 'needsCredentialsByNow', target: '#refreshingToken', actions: ['recordAdmitted', 'becauseNeeded'] },
  { guard: 'awaitsAdmission', target: '#connecting', reenter: true, actions: 'recordAdmitted' },
] as const

/** The gate admits the replacement of the connection, which stayed open until then. */
const beginReplacement = [
  { guard: 'awaitsFailBack', actions: ['recordAdmitted', 'askQuiet'] },
  { guard: 'awaitsRenewal', target: '#refreshingToken', actions: 'recordAdmitted' },
  { guard: 'awaitsAdmission', target: '#connecting', actions: 'recordAdmitted' },
] as const

/** Starts a recovery cycle, which recreates the client and also obtains credentials in every n-th cycle. */
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

/** Starts the equivalent of a recovery cycle on request, without a delay. */
const recoverNow = <const Target extends string>(refreshing: Target) =>
  [
    { guard: 'canRefresh', target: refreshing, actions: ['startOver', 'newClient', 'becauseRequested'] },
    { target: '#connecting', actions: ['startOver', 'newClient'] },
  ] as const

/**
 * After a failure during a planned renewal, the renewal continues, unless the failure requires another state or a
 * pause.
 */
const decideOnline = [
  { guard: 'renewalGoesOn', target: '#refreshingToken.offline', actions: 'recordFailure' },
  ...decide,
] as const

/** Credentials that the server does not take on the open connection are used for a new one. */
const replaceConnection = {
  target: '#connecting',
  actions: ['recordReauthenticationFailed', 'announceReauthenticationFailed'],
} as const

/** A failed planned renewal is repeated after a backoff while the current credentials are still valid. */
const stayConnected = {
  guard: 'mayStay',
  target: '#ready',
  actions: ['recordRefreshFailed', 'announceRefreshFailed'],
} as const

/**
 * The authority over one MQTT connection. Provide a `transport`, which opens a connection and reports its end, and,
 * with `canRefresh`, a `refreshToken` actor. Payloads and secrets never pass through the machine.
 */
export const connectionMachine = /* @__PURE__ */ persistable(
  connectionSetup.createMachine({
    id: 'connection',
    context: ({ input }) => patch.initialContext(input),
    initial: 'idle',
    on: {
      DISCONNECT: '.disconnecting',
      'PERIODIC.START': { actions: 'startPeriodic' },
      'PERIODIC.STOP': { actions: 'stopPeriodic' },
      // Drops a periodic request whose actor threw. Errors of other actors matter only in the states that use them.
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
          'The machine waits for the gate, if there is one, then opens the connection and waits for the CONNACK.',
        tags: 'busy',
        entry: ['goOffline', 'openTransport'],
        exit: 'releaseAdmission',
        after: { connectTimeout: decide },
        on: {
          'admission.granted': beginAttempt,
          // If the gate throws, the attempt begins.
          'xstate.error.actor.admission': beginAttempt,
          'server.chosen': { actions: 'recordServer' },
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
        // Without a proof, the counters would reset even for a broker that acknowledges nothing, and attempts never
        // end.
        after: { stableAfter: { actions: 'prove' } },
        on: {
          'transport.failed': decide,
          'xstate.error.actor.transport': decide,
          'xstate.error.actor.subscriptions': decide,
          'subscriptions.unanswered': decide,
          'transport.proven': { actions: 'recordStable' },
          // The session suspends such packets with growing pauses. These failures must not make the machine give up.
          'transport.blameless': { actions: 'startOver' },
          WAKE: { actions: 'probe' },
          DROP: { actions: 'drop' },
        },
        states: {
          restoring: {
            description: 'The wanted subscriptions are sent to the broker. Publishes wait.',
            tags: 'busy',
            entry: 'restoreSubscriptions',
            on: {
              'subscriptions.progress': { actions: 'recordRestore' },
              'subscriptions.restored': { target: 'ready', actions: ['announceReady', 'releaseAdmission'] },
              RECOVER: recoverNow('#refreshingToken.offline'),
            },
          },
          ready: {
            id: 'ready',
            description:
              'Messages flow. Credentials are renewed before they expire, and a server with a better priority is ' +
              'returned to in a quiet moment, once the gate admits it.',
            tags: 'ready',
            entry: ['resumePublishing', 'runPeriodic', 'scheduleFailBack'],
            exit: 'cancelFailBack',
            // The longest timer ends after 24.8 days. It then starts again.
            after: {
              renewalDue: [
                // No connection is opened, so that the gate is not asked.
                { guard: 'renewsOnline', target: '#refreshingToken', actions: 'becauseNeeded' },
                { guard: 'renewsInTurn', actions: ['becauseNeeded', 'requestAdmission'] },
                { guard: 'needsCredentials', target: '#refreshingToken', actions: 'becauseNeeded' },
                { target: 'ready', reenter: true },
              ],
            },
            on: {
              'PERIODIC.START': { actions: ['startPeriodic', 'runPeriodic'] },
              'admission.granted': beginReplacement,
              'xstate.error.actor.admission': beginReplacement,
              'failBack.due': [{ guard: 'failsBack', actions: 'askQuiet' }, { actions: 'scheduleFailBack' }],
              'session.quiet': [
                { guard: 'failsBackNow', target: '#connecting' },
                { guard: 'failsBackInTurn', actions: 'requestFailBack' },
                { actions: 'postponeFailBack' },
              ],
              'session.busy': { actions: 'postponeFailBack' },
              RECOVER: [
                { guard: 'isGated', actions: ['startOver', 'newClient', 'becauseRequested', 'requestAdmission'] },
                ...recoverNow('#refreshingToken.online'),
              ],
            },
          },
          reauthenticating: {
            id: 'reauthenticating',
            description: 'The new credentials are passed to the broker by AUTH. Messages flow.',
            tags: ['ready', 'busy'],
            entry: 'reauthenticate',
            after: { authenticationTimeout: replaceConnection },
            on: {
              'transport.reauthenticated': {
                target: 'ready',
                actions: ['recordReauthenticated', 'announceReauthenticated'],
              },
              'transport.failed': [{ guard: 'failsToReauthenticate', ...replaceConnection }, ...decide],
              'PERIODIC.START': { actions: ['startPeriodic', 'runPeriodic'] },
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
        // Delayed, so that an observer sees `failed` before `recovering`.
        after: { 0: { guard: 'mayRecover', target: 'recovering' } },
        on: { RETRY: attempt('startOver'), RECOVER: recoverNow('#refreshingToken.offline') },
      },
      recovering: {
        id: 'recovering',
        description:
          'The slow tier: after a longer backoff, the client is recreated, with a new token in every n-th cycle.',
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
          onDone: [
            {
              guard: 'reauthenticates',
              target: '#reauthenticating',
              actions: ['recordRefreshed', 'announceRefreshed'],
            },
            { target: 'connecting', actions: ['recordRefreshed', 'announceRefreshed'] },
          ],
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
            description: 'There is no connection. The next one needs the new credentials.',
            entry: 'goOffline',
          },
        },
      },
      disconnecting: {
        description: 'DISCONNECT is sent. The machine waits for the socket to close.',
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
        description: 'Disconnected on request.',
        tags: 'resting',
        entry: ['goOffline', 'endOutage'],
        on: { CONNECT: attempt('startOver'), DISCONNECT: {} },
      },
    },
  }),
)
