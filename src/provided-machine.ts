import { fromCallback, fromPromise, type AnyActorRef, type AnyEventObject, type CallbackLogicFunction } from 'xstate'

import type {
  RefreshedCredentials,
  RefreshReason,
  TransportCommand,
  TransportInput,
} from '../machines/connection-types.ts'
import { connectionMachine } from '../machines/connection.ts'
import { periodicRequestMachine, type RequestInput } from '../machines/periodic-request.ts'
import { subscriptionsMachine, type SyncInput } from '../machines/subscriptions.ts'
import type { AdmissionGate } from './admission-gate.ts'
import { callGuarded } from './emitter.ts'
import type { Transport } from './mqtt/transport.ts'

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
  openGate(machine: AnyActorRef): void
  closeGate(): void
}

/** The connection machine with actors, whose provider is found by the actor system that they run in. */
export function providedMachine(providerOf: (system: System) => Provider): typeof connectionMachine {
  return connectionMachine.provide({
    actors: {
      transport: fromCallback<TransportCommand, TransportInput>((actor) => providerOf(actor.system).transport(actor)),
      refreshToken: fromPromise<RefreshedCredentials, { reason: RefreshReason }>(({ input, signal, system }) =>
        providerOf(system).refresh(input.reason, signal),
      ),
      admission: fromCallback(({ sendBack, system }) => {
        const provider = providerOf(system)
        const admit = () => sendBack({ type: 'admission.granted' })
        return provider.gate && visit(provider.gate, admit, (error) => provider.gateFailed(error))
      }),
      subscriptions: subscriptionsMachine.provide({
        actors: { sync: fromCallback<AnyEventObject, SyncInput>((actor) => providerOf(actor.system).sync(actor)) },
      }),
      periodicRequest: periodicRequestMachine.provide({
        actors: {
          request: fromCallback<AnyEventObject, RequestInput>((actor) => providerOf(actor.system).request(actor)),
        },
        actions: {
          announceTimeout: ({ context, system }) => providerOf(system).requestTimedOut(context.schedule.id),
        },
      }),
    },
    actions: {
      openGate: ({ self, system }) => providerOf(system).openGate(self),
      closeGate: ({ system }) => providerOf(system).closeGate(),
    },
  })
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

const providers = new WeakMap<System, Provider>()

/**
 * The machine of all clients. A provided machine of its own takes 140 KiB for each of them; but each client is an actor
 * system of its own, by which its provider is found.
 */
export const clientMachine = providedMachine((system) => {
  const provider = providers.get(system)
  if (!provider) throw new Error('clientMachine runs only with a provider')
  return provider
})

/** To be called before the actor of a client is started. */
export function provideFor(system: System, provider: Provider): void {
  providers.set(system, provider)
}
