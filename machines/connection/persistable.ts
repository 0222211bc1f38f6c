import type { AnyActorScope, AnyMachineSnapshot, AnyStateMachine, AnyTransitionDefinition, Snapshot } from 'xstate'

import { restoredConfig, withDefaults, type ConnectionInput } from '../config.ts'
import { restored } from './context.ts'
import { needsCredentials } from './guards.ts'
import type { ConnectionContext, ConnectionEvent, ConnectionStateName, PeriodicSchedule, Restored } from './types.ts'
import { overridden } from './overridden.ts'

/** The part of a persisted snapshot that a connection goes on with. It may come out of JSON. */
interface Persisted {
  readonly status: Snapshot<unknown>['status']
  readonly value: unknown
  readonly context: ConnectionContext
  readonly children?: Readonly<Record<string, { readonly snapshot?: unknown }>>
}

/**
 * A connection machine whose snapshots can be persisted. XState would restore the state, and neither its timers nor what
 * its actors did: a machine that is `connected` without a connection. Instead it begins anew with what it knew, and
 * enters the state where it goes on, with all that entering it does. That is no part of the statechart: there is no
 * such transition in the life of a machine.
 */
export function persistable<Machine extends AnyStateMachine>(machine: Machine): Machine {
  const started = new WeakSet()
  return overridden(machine, (original, self) => ({
    restoreSnapshot: (snapshot: Snapshot<unknown>, scope: AnyActorScope) => {
      const persisted = snapshot as unknown as Persisted
      if (persisted.status === 'error') return original.restoreSnapshot(snapshot, scope)
      const context = restored(persisted.context)
      const idle = { ...(original.getInitialSnapshot(scope, undefined as never) as AnyMachineSnapshot), context }
      return original.transition(idle as never, restoredEvent(persisted) as never, scope)
    },

    getTransitionData: (snapshot: AnyMachineSnapshot, event: ConnectionEvent) =>
      event.type === 'actor.restored' && snapshot.value === 'idle'
        ? [resume(self, snapshot.context as ConnectionContext, event)]
        : original.getTransitionData(snapshot as never, event as never),

    start: (snapshot: AnyMachineSnapshot, scope?: AnyActorScope) => {
      original.start(snapshot as never)
      if (!scope) return
      // React stops an actor and starts it again: so does XState its children, and the transport opens a new connection.
      const reconnects = started.has(scope.self) && (snapshot.hasTag('online') || snapshot.matches('disconnecting'))
      if (reconnects) scope.self.send({ type: 'transport.failed', failure: { kind: 'closed' } })
      started.add(scope.self)
    },
  })) as Machine
}

/** Where a machine goes on that was persisted in a state. The connection is gone, and so are the secrets. */
function resume(machine: AnyStateMachine, context: ConnectionContext, event: Restored): AnyTransitionDefinition {
  const attempt = needsCredentials(context) ? 'refreshingToken' : 'connecting'
  const target = {
    idle: undefined,
    connecting: attempt,
    connected: attempt,
    refreshingToken: attempt,
    reconnecting: 'reconnecting',
    failed: 'failed',
    recovering: 'recovering',
    disconnecting: 'disconnected',
    disconnected: 'disconnected',
  }[event.state]
  const actions = ['closeGate', 'restorePeriodic', ...(target === 'refreshingToken' ? ['becauseNeeded'] : [])]
  const transition = {
    eventType: event.type,
    source: machine.root,
    target: target && machine.states[target] ? [machine.states[target]] : undefined,
    actions,
    reenter: false,
  }
  return {
    ...transition,
    toJSON: () => ({ ...transition, source: machine.id, target: target === undefined ? target : [target] }),
  }
}

function restoredEvent({ value, children = {} }: Persisted): Restored {
  const state = (typeof value === 'string' ? value : Object.keys(value as object)[0]) as ConnectionStateName
  const periodic = Object.values(children).flatMap(({ snapshot }) => periodicOf(snapshot) ?? [])
  return { type: 'actor.restored', state, periodic }
}

function periodicOf(snapshot: unknown): Restored['periodic'][number] | undefined {
  const { value, context } = (snapshot ?? {}) as {
    readonly value?: unknown
    readonly context?: { readonly schedule?: PeriodicSchedule }
  }
  if (!context?.schedule) return undefined
  const paused = typeof value === 'object' && value !== null && 'paused' in value
  // JSON makes `null` of Infinity.
  const interval = context.schedule.interval ?? Number.POSITIVE_INFINITY
  return { schedule: { ...context.schedule, interval }, paused }
}

/**
 * The connection machine with input that every actor of it has: also one that is restored from a snapshot, which XState
 * gives no input. Functions can't be in a snapshot (`classify`, `now`, `random`, `redirect.allow`, a `jitter` of your
 * own): give them here, or the restored machine has the defaults. What a new actor's `input` says comes first; what a
 * snapshot says comes last.
 */
export function withConfig<Machine extends AnyStateMachine>(machine: Machine, config: ConnectionInput): Machine {
  return overridden(machine.provide({}) as Machine, ({ getInitialSnapshot, restoreSnapshot }) => ({
    getInitialSnapshot: (scope: AnyActorScope, input?: ConnectionInput) =>
      getInitialSnapshot(scope, mergedInput(config, input) as never),
    restoreSnapshot: (snapshot: Snapshot<unknown>, scope: AnyActorScope) => {
      const { context } = snapshot as unknown as Persisted
      const restoredContext = { ...context, config: restoredConfig(context.config, config) }
      return restoreSnapshot({ ...snapshot, context: restoredContext } as never, scope)
    },
  })) as Machine
}

function mergedInput(given: ConnectionInput, input: ConnectionInput = {}): ConnectionInput {
  return {
    ...withDefaults(given, input),
    reconnect: { ...given.reconnect, ...input.reconnect },
    recovery: { ...given.recovery, ...input.recovery },
    timeouts: { ...given.timeouts, ...input.timeouts },
    redirect: { ...given.redirect, ...input.redirect },
  }
}
