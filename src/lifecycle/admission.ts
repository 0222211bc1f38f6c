import type { AnyActorRef, SnapshotFrom } from 'xstate'

import type { connectionMachine } from '../../machines/connection/machine.ts'
import type { AdmissionGate, AdmissionOutcome } from '../api/admission-gate.ts'
import { callGuarded } from '../shared/emitter.ts'
import { stateOf } from './snapshot.ts'

type ConnectionSnapshot = SnapshotFrom<typeof connectionMachine>

/** What an `admission` actor needs. */
export interface Visit {
  readonly gate: AdmissionGate
  /** The connection machine that asks. */
  readonly machine: AnyActorRef
  readonly servers: readonly string[]
  readonly admit: () => void
  /** Called when the gate threw. */
  readonly onThrow: (error: unknown) => void
}

/** Asks the gate. One that throws admits the attempt. @returns tells the gate how the attempt has ended */
export function visit({ gate, machine, servers, admit, onThrow }: Visit): () => void {
  const before: ConnectionSnapshot = machine.getSnapshot()
  let leave: ReturnType<AdmissionGate['ask']> = () => {}
  callGuarded(
    () => (leave = gate.ask(admit, { servers, wake: wakeOf(machine) })),
    (error) => {
      onThrow(error)
      admit()
    },
  )
  return () => callGuarded(() => leave(outcomeOf(machine.getSnapshot(), before)), onThrow)
}

/** Returns how an attempt has ended, by the state that the machine is in now. XState stops an actor after the transition. */
function outcomeOf(now: ConnectionSnapshot, before: ConnectionSnapshot): AdmissionOutcome {
  const { admission, failure, delay, counters } = now.context
  // The machine was stopped, or follows a redirect and has asked again.
  if (admission !== 'none') return { type: 'withdrawn' }
  const isConnected = counters.connects > before.context.counters.connects
  if (now.hasTag('ready')) return { type: isConnected ? 'ready' : 'withdrawn' }
  const hasFailed = ['reconnecting', 'recovering', 'failed'].includes(stateOf(now))
  return hasFailed && failure ? { type: 'failed', failure, retryIn: delay } : { type: 'withdrawn' }
}

const wakes = new WeakMap<AnyActorRef, () => void>()

/** The gate may keep it, and call it after the machine was stopped. */
function wakeOf(machine: AnyActorRef): () => void {
  const known = wakes.get(machine)
  if (known) return known
  const wake = () => {
    if ((machine.getSnapshot() as ConnectionSnapshot).status === 'active') machine.send({ type: 'WAKE' })
  }
  wakes.set(machine, wake)
  return wake
}
