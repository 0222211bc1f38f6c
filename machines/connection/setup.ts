import { type AnyActorRef, assign, cancel, emit, enqueueActions, fromCallback, fromPromise, raise, setup } from 'xstate'

import { rulesOf, type ConnectionInput } from '../config.ts'
import { periodicRequestMachine } from '../periodic-request.ts'
import { clampDelay } from '../policy/backoff.ts'
import { subscriptionsMachine } from '../subscriptions.ts'
import * as patch from './context.ts'
import * as announce from './emitted.ts'
import * as check from './guards.ts'
import { expiresAtOf, failureOf, periodicIdOf } from './read-event.ts'
import { redirects } from './redirects.ts'
import * as servers from './servers.ts'
import type {
  ConnectionContext,
  ConnectionEmitted,
  ConnectionEvent,
  ConnectionTag,
  RefreshedCredentials,
  RefreshReason,
  TransportCommand,
  TransportInput,
} from './types.ts'

/** The implementations of all names in the connection machine's statechart. */
export const connectionSetup = setup({
  types: {
    input: {} as ConnectionInput | undefined,
    context: {} as ConnectionContext,
    events: {} as ConnectionEvent,
    emitted: {} as ConnectionEmitted,
    tags: {} as ConnectionTag,
  },
  actors: {
    transport: fromCallback<TransportCommand, TransportInput>(() => {
      throw new Error('connectionMachine needs a transport: connectionMachine.provide({ actors: { transport } })')
    }),
    refreshToken: fromPromise<RefreshedCredentials, { reason: RefreshReason }>(() =>
      Promise.reject(new Error('connectionMachine needs a refreshToken actor when canRefresh is set')),
    ),
    admission: fromCallback(() => {
      throw new Error('connectionMachine needs an admission actor when gated is set')
    }),
    subscriptions: subscriptionsMachine,
    periodicRequest: periodicRequestMachine,
  },
  guards: {
    isFatal: ({ context, event }) => check.dispositionOf(context, failureOf(event)) === 'fatal',
    wantsCredentials: ({ context, event }) => check.wantsCredentials(context, failureOf(event)),
    redirects: ({ context, event }) => redirects(context, failureOf(event)),
    recoveryGoesOn: ({ context }) => context.cycle > 0 && check.cyclesLeft(context),
    recoveryIsOver: ({ context }) => context.cycle > 0,
    attemptsLeft: ({ context }) => check.attemptsLeft(context),
    mayRecover: ({ context }) => check.mayRecover(context),
    refreshesInThisCycle: ({ context }) => check.refreshesInThisCycle(context),
    needsCredentials: ({ context }) => check.needsCredentials(context),
    canRefresh: ({ context }) => context.config.canRefresh,
    mayStay: ({ context, event }) => check.mayStay(context, failureOf(event)),
    renewalGoesOn: ({ context, event }) => check.renewalGoesOn(context, failureOf(event)),
    renewsOnline: ({ context }) => check.reauthenticates(context) && check.needsCredentials(context),
    reauthenticates: ({ context }) => check.reauthenticates(context) && context.refreshReason === 'expiring',
    failsToReauthenticate: ({ context, event }) => check.failsToReauthenticate(context, failureOf(event)),
    isGated: ({ context }) => context.config.gated,
    renewsInTurn: ({ context }) => context.config.gated && check.needsCredentials(context),
    awaitsAdmission: ({ context }) => context.admission === 'awaited',
    awaitsRenewal: ({ context }) => context.admission === 'awaited' && context.config.canRefresh,
    needsCredentialsByNow: ({ context }) => context.admission === 'awaited' && check.needsCredentials(context),
    failsBack: ({ context }) => servers.failsBack(context) && context.admission === 'none',
    failsBackNow: ({ context }) =>
      servers.failsBack(context) && (context.failingBack ? context.admission === 'granted' : !context.config.gated),
    failsBackInTurn: ({ context }) =>
      servers.failsBack(context) && context.config.gated && context.admission === 'none',
    awaitsFailBack: ({ context }) => context.admission === 'awaited' && context.failingBack,
    notOpen: ({ context }) => context.openedAt === null,
    nothingToClose: ({ context }) => !context.transport,
  },
  actions: {
    /** A failure ends the connection, too, if there is one. */
    recordFailure: enqueueActions(({ context, event, enqueue }) => {
      const failure = failureOf(event)
      for (const emitted of announce.failure(context, failure)) enqueue.emit(emitted)
      if (context.transport) closeTransport(context, enqueue)
      // One change instead of two: each copies the context.
      enqueue.assign({ ...patch.failed(context, failure), transport: false })
    }),
    recordServer: assign(({ context, event }) =>
      event.type === 'server.chosen' ? servers.chosen(context, event) : {},
    ),
    recordOpened: enqueueActions(({ context, event, enqueue }) => {
      if (event.type !== 'transport.opened') return
      for (const emitted of announce.opened(context)) enqueue.emit(emitted)
      enqueue.assign(patch.opened(context, event))
    }),
    recordRestore: enqueueActions(({ event, enqueue }) => {
      if (event.type !== 'subscriptions.progress') return
      const { done, total } = event
      enqueue.emit({ type: 'restoring', done, total })
      enqueue.assign({ restore: { done, total } })
    }),
    recordStable: assign(({ context }) => patch.stable(context)),
    recordRefreshed: assign(({ context, event }) => patch.refreshed(context, expiresAtOf(event))),
    recordRefreshFailed: assign(({ context, event }) => patch.refreshFailed(context, failureOf(event))),
    recordReauthenticated: assign(({ context }) => patch.reauthenticated(context)),
    recordReauthenticationFailed: assign(({ context, event }) =>
      patch.reauthenticationFailed(context, failureOf(event)),
    ),
    startOver: assign(({ context }) => patch.startOver(context)),
    uncount: assign({ woken: true, retryAt: null }),
    followRedirect: assign(({ context }) => patch.redirected(context)),
    recreateClient: assign(({ context }) => patch.recreated(context)),
    newClient: assign(({ context }) => ({ generation: context.generation + 1 })),
    becauseNeeded: assign(({ context }) => ({ refreshReason: check.neededBecause(context) })),
    becauseRefused: assign({ refreshReason: 'refused' }),
    becauseOfCycle: assign({ refreshReason: 'cycle' }),
    becauseRequested: assign({ refreshReason: 'requested' }),
    scheduleReconnect: assign(({ context }) => patch.scheduleReconnect(context)),
    scheduleRecovery: assign(({ context }) => patch.scheduleRecovery(context)),
    endWait: assign({ retryAt: null }),
    endOutage: assign({ retryAt: null, unprovenSince: null, interruptedAt: null, replaced: false }),

    announceReconnect: emit(({ context }) => announce.reconnectScheduled(context)),
    announceRecovery: emit(({ context }) => announce.recoveryStarted(context)),
    announceRefreshed: emit(({ context }) => announce.tokenRefreshed(context)),
    announceRefreshFailed: emit(({ context, event }) => announce.tokenRefreshFailed(context, failureOf(event))),
    announceReauthenticated: emit(({ context }) => announce.reauthenticated(context)),
    announceReauthenticationFailed: emit(({ event }) => announce.reauthenticationFailed(failureOf(event))),
    announceReady: enqueueActions(({ context, event, enqueue }) => {
      for (const emitted of announce.ready(context, event)) enqueue.emit(emitted)
      enqueue.assign({ interruptedAt: null, replaced: false })
    }),
    announceFailed: enqueueActions(({ context, enqueue }) => {
      for (const emitted of announce.failed(context)) enqueue.emit(emitted)
    }),

    /** Opens a connection. If there is a gate, asks it first. */
    openTransport: enqueueActions(({ context, enqueue }) => {
      if (context.config.gated && context.admission === 'none') return enqueue('requestAdmission')
      const { attempt, cycle, generation, server, servers: known, failure, replaced: replaces } = context
      const input = { attempt, cycle, generation, server, servers: known, failure, replaces }
      enqueue.spawnChild('transport', { id: 'transport', input })
      enqueue.assign({ transport: true, server: { ...server, chosenAt: null } })
    }),
    requestAdmission: enqueueActions(({ context, enqueue }) => {
      enqueue.assign({ failingBack: false })
      if (context.admission !== 'none') return
      enqueue.spawnChild('admission', { id: 'admission' })
      enqueue.assign({ admission: 'awaited' })
    }),
    /** Asks the gate for a connection to a server with a better priority. */
    requestFailBack: enqueueActions(({ enqueue }) => {
      enqueue('requestAdmission')
      enqueue.assign({ failingBack: true })
    }),
    /** Gives up a fail-back that the gate has admitted, and tries again later. */
    postponeFailBack: enqueueActions(({ context, enqueue }) => {
      if (context.failingBack) {
        enqueue.stopChild('admission')
        enqueue.assign({ admission: 'none', failingBack: false })
      }
      enqueue('scheduleFailBack')
    }),
    scheduleFailBack: enqueueActions(({ context, enqueue }) => {
      const delay = servers.failBackDelay(context)
      // XState would run both timers: a session may answer after a renewal has scheduled the next check.
      enqueue.cancel('failBack')
      if (delay !== null) enqueue.raise({ type: 'failBack.due' }, { id: 'failBack', delay })
    }),
    cancelFailBack: cancel('failBack'),
    recordAdmitted: assign({ admission: 'granted' }),
    /** Gives the admission back, or withdraws the request for it, unless the attempt continues. */
    releaseAdmission: enqueueActions(({ context, event, enqueue }) => {
      if (context.admission === 'none' || keepsPlace(event)) return
      enqueue.stopChild('admission')
      enqueue.assign({ admission: 'none', failingBack: false })
    }),
    goOffline: enqueueActions(({ context, enqueue }) => {
      if (!context.transport) return
      closeTransport(context, enqueue)
      enqueue.assign(patch.offline(context))
    }),
    quiesce: enqueueActions(({ context, enqueue }) => quiesce(context, enqueue)),
    askToClose: enqueueActions(({ context, enqueue }) => {
      if (context.transport) enqueue.sendTo('transport', { type: 'CLOSE' })
    }),
    probe: enqueueActions(({ context, enqueue }) => {
      if (context.transport) enqueue.sendTo('transport', { type: 'PROBE' })
    }),
    reauthenticate: enqueueActions(({ context, enqueue }) => {
      if (context.transport) enqueue.sendTo('transport', { type: 'REAUTHENTICATE' })
    }),
    drop: enqueueActions(({ context, enqueue }) => {
      if (context.transport) enqueue.sendTo('transport', { type: 'DROP' })
    }),
    /** The first connection creates the actor: a machine that only waits for one needs none. */
    restoreSubscriptions: enqueueActions(({ context, enqueue, self }) => {
      // XState's pure `transition()` has no children to look at.
      const { children } = self.getSnapshot() as { children?: Record<string, AnyActorRef | undefined> }
      const subscriptions = children?.subscriptions
      // Replaces an actor that threw, because no connection would become ready without it.
      const isBroken = subscriptions?.getSnapshot().status === 'error'
      if (isBroken) enqueue.stopChild('subscriptions')
      if (isBroken || !subscriptions) {
        enqueue.spawnChild('subscriptions', { id: 'subscriptions', input: patch.subscriptionsInput(context) })
      }
      enqueue.sendTo('subscriptions', { type: 'connection.opened', sessionPresent: context.sessionPresent })
    }),
    startPeriodic: enqueueActions(({ context, event, enqueue }) => {
      if (event.type !== 'PERIODIC.START' || context.periodic.includes(event.schedule.id)) return
      const { random, now } = rulesOf(context.config)
      const input = { schedule: event.schedule, random, now }
      enqueue.spawnChild('periodicRequest', { id: event.schedule.id, input })
      enqueue.assign({ periodic: [...context.periodic, event.schedule.id] })
    }),
    /** Restores periodic requests with their schedules, paused or not. Requests that were pending are lost. */
    restorePeriodic: enqueueActions(({ context, event, enqueue }) => {
      if (event.type !== 'actor.restored') return
      const { random, now } = rulesOf(context.config)
      for (const { schedule, paused } of event.periodic) {
        enqueue.spawnChild('periodicRequest', { id: schedule.id, input: { schedule, random, now } })
        if (paused) enqueue.sendTo(schedule.id, { type: 'PAUSE' })
      }
      enqueue.assign({ periodic: event.periodic.map(({ schedule }) => schedule.id) })
    }),
    stopPeriodic: enqueueActions(({ context, event, enqueue }) => {
      const stopped = periodicIdOf(event)
      if (stopped === null || !context.periodic.includes(stopped)) return
      enqueue.stopChild(stopped)
      enqueue.assign({ periodic: context.periodic.filter((id) => id !== stopped) })
    }),
    runPeriodic: enqueueActions(({ context, enqueue }) => {
      for (const id of context.periodic) enqueue.sendTo(id, { type: 'connection.ready' })
    }),
    // The owner of a session provides the following actions. They must not throw.

    /** Sends `session.quiet` or `session.busy`: whether the connection can be replaced without disturbing a message. */
    askQuiet: raise({ type: 'session.quiet' }),

    /**
     * The connection was open for `stableAfter`: sends `transport.proven` at once, or when the broker has acknowledged a
     * pending publish.
     */
    prove: raise({ type: 'transport.proven' }),
    settleWaiting: enqueueActions(({ context, enqueue }) => {
      if (!check.mayRecover(context)) enqueue('giveUp')
    }),
    /** The machine gave up. */
    giveUp: () => {},
    /** The machine leaves `failed`. */
    tryAgain: () => {},
    /** The connection is ready: publishes may flow. */
    resumePublishing: () => {},
    /** The connection is lost or closed: publishes must wait. */
    pausePublishing: () => {},
  },
  delays: {
    connectTimeout: ({ context }) => patch.connectDelay(context),
    refreshTimeout: ({ context }) => clampDelay(context.config.timeouts.refreshTimeout),
    authenticationTimeout: ({ context }) => clampDelay(context.config.timeouts.authenticationTimeout),
    disconnectTimeout: ({ context }) => clampDelay(context.config.timeouts.disconnectTimeout),
    stableAfter: ({ context }) => patch.stableDelay(context),
    reconnectDelay: ({ context }) => context.delay,
    recoveryDelay: ({ context }) => context.delay,
    renewalDue: ({ context }) => patch.renewalDelay(context),
  },
})

/** The enqueuing functions that these helpers need. */
interface Enqueue {
  (action: 'pausePublishing'): void
  sendTo(id: string, event: { readonly type: 'connection.lost' }): void
  stopChild(id: 'transport'): void
}

function closeTransport(context: ConnectionContext, enqueue: Enqueue): void {
  quiesce(context, enqueue)
  enqueue.stopChild('transport')
}

/** Those that use the connection learn that it is lost, unless the attempt ended before it opened. */
function quiesce({ openedAt, periodic }: ConnectionContext, enqueue: Enqueue): void {
  enqueue('pausePublishing')
  if (openedAt === null) return
  for (const id of ['subscriptions', ...periodic]) enqueue.sendTo(id, { type: 'connection.lost' })
}

/** The attempt continues after these events: it was admitted, has the credentials that it needed, or is connected. */
const continuing: ReadonlySet<string> = new Set([
  'admission.granted',
  'xstate.error.actor.admission',
  'xstate.done.actor.refresh',
  'transport.opened',
  // The connection is replaced by one to a better server.
  'session.quiet',
])

function keepsPlace({ type }: { readonly type: string }): boolean {
  return continuing.has(type)
}
