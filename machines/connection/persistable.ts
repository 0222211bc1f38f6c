import type { AnyActorScope, AnyMachineSnapshot, AnyStateMachine, AnyTransitionDefinition, Snapshot } from 'xstate'

import { restoredConfig, withDefaults, type ConnectionInput } from '../config.ts'
import { restored } from './context.ts'
import { needsCredentials } from './guards.ts'
import { overridden } from './overridden.ts'
import type { ConnectionContext, ConnectionEvent, ConnectionStateName, PeriodicSchedule, Restored } from './types.ts'

/** The parts of a persisted snapshot that a restored connection needs. The snapshot may come from JSON. */
interface Persisted {
  readonly status: Snapshot<unknown>['status']
  readonly value: unknown
  readonly context: ConnectionContext
  readonly children?: Readonly<Record<string, { readonly snapshot?: unknown }>>
}

/**
 * Makes the snapshots of a connection machine persistable. XState restores the state, but neither its timers nor the
 * work of its actors, so a machine would be `connected` without a connection. Instead, the machine starts again with
 * its context and enters the state in which it continues, including all entry actions. This transition is not part of
 * the statechart, because a running machine never takes it.
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
      // React stops and restarts an actor, and XState then restarts its children, so the transport opens a new
      // connection.
      const reconnects = started.has(scope.self) && (snapshot.hasTag('online') || snapshot.matches('disconnecting'))
      if (reconnects) scope.self.send({ type: 'transport.failed', failure: { kind: 'closed' } })
      started.add(scope.self)
    },
  })) as Machine
}

/** Returns the transition with which a restored machine continues. The connection and the secrets are lost. */
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
  const actions = ['pausePublishing', 'restorePeriodic', ...(target === 'refreshingToken' ? ['becauseNeeded'] : [])]
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
  // JSON writes Infinity as `null`.
  const interval = context.schedule.interval ?? Number.POSITIVE_INFINITY
  return { schedule: { ...context.schedule, interval }, paused }
}

/**
 * Returns a connection machine with fixed input for all its actors, including restored ones, to which XState passes no
 * input. A snapshot cannot contain functions (`classify`, `now`, `random`, `redirect.allow`, a custom `jitter`): pass
 * them here, or the restored machine uses the defaults. The `input` of a new actor overrides this configuration, which
 * overrides a snapshot.
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
    reconnect: withDefaults(given.reconnect ?? {}, input.reconnect),
    recovery: withDefaults(given.recovery ?? {}, input.recovery),
    timeouts: withDefaults(given.timeouts ?? {}, input.timeouts),
    redirect: withDefaults(given.redirect ?? {}, input.redirect),
    failover: withDefaults(given.failover ?? {}, input.failover),
  }
}
