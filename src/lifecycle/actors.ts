import { fromCallback, fromPromise, type AnyActorRef, type AnyEventObject } from 'xstate'

import { connectionMachine } from '../../machines/connection/machine.ts'
import type {
  RefreshedCredentials,
  RefreshReason,
  TransportCommand,
  TransportInput,
} from '../../machines/connection/types.ts'
import type { Failure } from '../../machines/failure.ts'
import { periodicRequestMachine, type RequestInput } from '../../machines/periodic-request.ts'
import { subscriptionsMachine, type SyncInput } from '../../machines/subscriptions.ts'
import type { AdmissionGate } from '../api/admission-gate.ts'
import type { Transport } from '../mqtt/transport.ts'
import type { MachineTap } from '../recorder/machine-tap.ts'
import type { Session } from '../session/session.ts'
import { callGuarded } from '../shared/emitter.ts'
import { visit } from './admission.ts'
import { withFailureHandling, type FailureHandler } from './machine-failure.ts'
import { withRecording } from './machine-recording.ts'

type System = AnyActorRef['system']

/** What the actors of one connection need, provided per actor system. */
export interface Provider {
  readonly transport: Transport
  /** Runs the `sync` actors and the `request` actors. */
  readonly session: Pick<Session, 'sync' | 'periodic' | 'pausePublishing'>
  readonly gate: AdmissionGate | undefined
  /** Records the machine: the option `recorder`. */
  readonly recorder: MachineTap | undefined
  /** The servers that the next attempt may use, without secrets, as far as they are known. */
  servers(): readonly string[]
  /** Called when the gate threw. */
  gateFailed(error: unknown): void
  refresh(reason: RefreshReason, signal: AbortSignal): Promise<RefreshedCredentials>
  /** Releases the resources of the actors that are running, one function each. */
  readonly held: Set<() => void>
  resumePublishing(machine: AnyActorRef): void
  /** Called after `stableAfter`: sends `transport.proven` to the machine, unless the broker owes an acknowledgement. */
  prove(machine: AnyActorRef): void
  /** Sends `session.quiet` or `session.busy` to the machine. */
  askQuiet(machine: AnyActorRef): void
  /** Called when the machine gives up: nothing is tried until the application asks for it. */
  gaveUp(failure: Failure): void
  /** Called when the machine leaves `failed`. */
  triesAgain(): void
}

/**
 * Gives the connection machine its actors. They find their provider by the actor system that they run in.
 *
 * @param onEnd - finds the handler for an error that ends the machine's actor, if the system has one
 */
export function providedMachine(
  providerOf: (system: System) => Provider,
  onEnd: (system: System) => FailureHandler['ended'] = () => undefined,
): typeof connectionMachine {
  const machine = withFailureHandling(withActors(providerOf), (system) => ({
    release: () => releaseAll(providerOf(system)),
    ended: onEnd(system),
  }))
  return withRecording(machine, (system) => providerOf(system).recorder)
}

function withActors(providerOf: (system: System) => Provider): typeof connectionMachine {
  return connectionMachine.provide({
    actors: {
      transport: fromCallback<TransportCommand, TransportInput>((actor) => {
        const provider = providerOf(actor.system)
        return hold(provider, provider.transport(actor))
      }),
      refreshToken: fromPromise<RefreshedCredentials, { reason: RefreshReason }>(async ({ input, signal, system }) => {
        const provider = providerOf(system)
        const given = new AbortController()
        const release = hold(provider, () => given.abort())
        signal.addEventListener('abort', release)
        return provider.refresh(input.reason, given.signal).finally(() => provider.held.delete(release))
      }),
      admission: fromCallback(({ self, sendBack, system }) => {
        const provider = providerOf(system)
        const { gate } = provider
        const machine = self._parent
        if (!gate || !machine) return undefined
        const admit = () => sendBack({ type: 'admission.granted' })
        const onThrow = (error: unknown) => provider.gateFailed(error)
        return hold(provider, visit({ gate, machine, servers: provider.servers(), admit, onThrow }))
      }),
      subscriptions: subscriptionsMachine.provide({
        actors: {
          sync: fromCallback<AnyEventObject, SyncInput>((actor) => {
            const provider = providerOf(actor.system)
            return hold(provider, provider.session.sync(actor))
          }),
        },
      }),
      periodicRequest: periodicRequestMachine.provide({
        actors: {
          request: fromCallback<AnyEventObject, RequestInput>((actor) => {
            const provider = providerOf(actor.system)
            return hold(provider, provider.session.periodic.request(actor))
          }),
        },
        actions: {
          announceTimeout: ({ context, system }) => providerOf(system).session.periodic.timedOut(context.schedule.id),
        },
      }),
    },
    actions: {
      resumePublishing: ({ self, system }) => providerOf(system).resumePublishing(self),
      pausePublishing: ({ system }) => providerOf(system).session.pausePublishing(),
      prove: ({ self, system }) => providerOf(system).prove(self),
      askQuiet: ({ self, system }) => providerOf(system).askQuiet(self),
      giveUp: ({ context, system }) => context.failure && providerOf(system).gaveUp(context.failure),
      tryAgain: ({ system }) => providerOf(system).triesAgain(),
    },
  })
}

/** Releases an actor's resource when it is stopped, or when the machine has failed and can no longer stop it. */
function hold(provider: Provider, release: () => void): () => void
function hold(provider: Provider, release: (() => void) | void): (() => void) | undefined
function hold(provider: Provider, release: (() => void) | void): (() => void) | undefined {
  if (!release) return undefined
  const once = () => void (provider.held.delete(once) && release())
  provider.held.add(once)
  return once
}

/** Releases them all, even if one of them throws. */
function releaseAll(provider: Provider): void {
  for (const release of [...provider.held, () => provider.session.pausePublishing()]) callGuarded(release, () => {})
}

interface Run {
  readonly provider: Provider
  readonly ended: FailureHandler['ended']
}

const runs = new WeakMap<System, Run>()

/**
 * The machine that all clients share: a machine for each client would take 140 KiB each. Each client is an actor system
 * of its own, and its provider is found by that.
 */
export const clientMachine = providedMachine(
  (system) => {
    const run = runs.get(system)
    if (!run) throw new Error('clientMachine runs only with a provider')
    return run.provider
  },
  (system) => runs.get(system)?.ended,
)

/**
 * Must be called before the actor of a client is started, and, without `ended`, before it is stopped.
 *
 * @param ended - called with the error that ended the actor
 */
export function provideFor(system: System, provider: Provider, ended?: FailureHandler['ended']): void {
  runs.set(system, { provider, ended })
}
