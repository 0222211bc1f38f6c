import { fromCallback, fromPromise, type AnyActorRef, type AnyEventObject, type CallbackLogicFunction } from 'xstate'

import type {
  RefreshedCredentials,
  RefreshReason,
  TransportCommand,
  TransportInput,
} from '../../machines/connection/types.ts'
import type { Failure } from '../../machines/failure.ts'
import { connectionMachine } from '../../machines/connection/machine.ts'
import { periodicRequestMachine, type RequestInput } from '../../machines/periodic-request.ts'
import { subscriptionsMachine, type SyncInput } from '../../machines/subscriptions.ts'
import type { AdmissionGate } from '../api/admission-gate.ts'
import { callGuarded } from '../shared/emitter.ts'
import { failing, type FailureHandler } from './machine-failure.ts'
import type { Transport } from '../mqtt/transport.ts'

type System = AnyActorRef['system']

/** What the actors of one connection do. */
export interface Provider {
  readonly transport: Transport
  readonly sync: CallbackLogicFunction<AnyEventObject, AnyEventObject, SyncInput>
  readonly request: CallbackLogicFunction<AnyEventObject, AnyEventObject, RequestInput>
  readonly gate: AdmissionGate | undefined
  /** The gate threw. */
  gateFailed(error: unknown): void
  refresh(reason: RefreshReason, signal: AbortSignal): Promise<RefreshedCredentials>
  requestTimedOut(id: string): void
  /** How to release what actors hold that are running now. */
  readonly held: Set<() => void>
  openGate(machine: AnyActorRef): void
  closeGate(): void
  /** The connection was open for long enough: the machine is told that it is proven, once the broker acknowledges. */
  prove(machine: AnyActorRef): void
  /** Nothing is tried until somebody asks for it. */
  gaveUp(failure: Failure): void
  /** It tries again. */
  triesAgain(): void
}

/**
 * The connection machine with actors, whose provider is found by the actor system that they run in.
 *
 * @param onEnd - told of an error that ended the machine's actor, if the system has such a handler
 */
export function providedMachine(
  providerOf: (system: System) => Provider,
  onEnd: (system: System) => FailureHandler['ended'] = () => undefined,
): typeof connectionMachine {
  return failing(withActors(providerOf), (system) => ({
    release: () => releaseAll(providerOf(system)),
    ended: onEnd(system),
  }))
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
      admission: fromCallback(({ sendBack, system }) => {
        const provider = providerOf(system)
        const admit = () => sendBack({ type: 'admission.granted' })
        return hold(provider, provider.gate && visit(provider.gate, admit, (error) => provider.gateFailed(error)))
      }),
      subscriptions: subscriptionsMachine.provide({
        actors: {
          sync: fromCallback<AnyEventObject, SyncInput>((actor) => {
            const provider = providerOf(actor.system)
            return hold(provider, provider.sync(actor))
          }),
        },
      }),
      periodicRequest: periodicRequestMachine.provide({
        actors: {
          request: fromCallback<AnyEventObject, RequestInput>((actor) => {
            const provider = providerOf(actor.system)
            return hold(provider, provider.request(actor))
          }),
        },
        actions: {
          announceTimeout: ({ context, system }) => providerOf(system).requestTimedOut(context.schedule.id),
        },
      }),
    },
    actions: {
      openGate: ({ self, system }) => providerOf(system).openGate(self),
      closeGate: ({ system }) => providerOf(system).closeGate(),
      prove: ({ self, system }) => providerOf(system).prove(self),
      giveUp: ({ context, system }) => context.failure && providerOf(system).gaveUp(context.failure),
      tryAgain: ({ system }) => providerOf(system).triesAgain(),
    },
  })
}

/** What an actor holds is released when it is stopped, or when the machine has failed and can no longer stop it. */
function hold(provider: Provider, release: () => void): () => void
function hold(provider: Provider, release: (() => void) | void): (() => void) | undefined
function hold(provider: Provider, release: (() => void) | void): (() => void) | undefined {
  if (!release) return undefined
  const once = () => void (provider.held.delete(once) && release())
  provider.held.add(once)
  return once
}

/** Nothing in here may keep the rest from being released. */
function releaseAll(provider: Provider): void {
  for (const release of [...provider.held, () => provider.closeGate()]) callGuarded(release, () => {})
}

/** A gate that throws keeps nobody out. */
function visit(gate: AdmissionGate, admit: () => void, onThrow: (error: unknown) => void): () => void {
  let leave = () => {}
  callGuarded(
    () => (leave = gate.ask(admit)),
    (error) => {
      onThrow(error)
      admit()
    },
  )
  return () => callGuarded(() => leave(), onThrow)
}

interface Run {
  readonly provider: Provider
  readonly ended: FailureHandler['ended']
}

const runs = new WeakMap<System, Run>()

/**
 * The machine of all clients. A provided machine of its own takes 140 KiB for each of them; but each client is an actor
 * system of its own, by which its provider is found.
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
 * To be called before the actor of a client is started, and, without `ended`, before it is stopped.
 *
 * @param ended - told of an error that ended the actor
 */
export function provideFor(system: System, provider: Provider, ended?: FailureHandler['ended']): void {
  runs.set(system, { provider, ended })
}
