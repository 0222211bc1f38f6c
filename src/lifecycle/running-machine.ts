import { createActor, type Actor, type Snapshot } from 'xstate'

import type { connectionMachine } from '../../machines/connection/machine.ts'
import type { ConnectionEvent } from '../../machines/connection/types.ts'
import type { ClientConfig } from '../config/client-config.ts'
import { clientMachine, provideFor } from './actors.ts'
import { type ActorEnd, type Happening, isRest, type Observer } from './observer.ts'
import type { ConnectionRuntime } from './runtime.ts'
import { stopWaking, wakeOn } from './wake/process-signals.ts'
import type { Wakeable } from './wake/shared-signal.ts'

type MachineActor = Actor<typeof connectionMachine>

/**
 * Runs the connection machine of a client. If an error ends its actor, another one takes its place: in `failed`, where
 * it rests until the application asks it to go on. Unless it rests, the signals of the option `wakeOn` wake it.
 */
export class RunningMachine implements ActorEnd, Wakeable {
  readonly #config: ClientConfig
  readonly #runtime: ConnectionRuntime
  readonly #observer: Observer
  #actor: MachineActor
  /** The snapshot that the next actor starts from, if the last one has ended. */
  #resumeFrom: Snapshot<unknown> | undefined
  #stopped = false
  /** The error that ended the last actor. */
  cause: unknown

  constructor(config: ClientConfig, runtime: ConnectionRuntime, observer: Observer) {
    this.#config = config
    this.#runtime = runtime
    this.#observer = observer
    this.#actor = this.#create()
  }

  /** The actor that is running, or ran last. */
  get actor(): MachineActor {
    return this.#actor
  }

  start(): void {
    this.#start(this.#actor)
  }

  /** @returns whether an actor took the event, and the event did not end it */
  send(event: ConnectionEvent): boolean {
    if (this.#stopped) return false
    this.#revive()
    if (this.#resumeFrom !== undefined) return false
    this.#actor.send(event)
    return this.#resumeFrom === undefined
  }

  /** Called with each event of the machine. */
  follow(event: Happening): void {
    if (isRest(event)) stopWaking(this.#config.wakeOn, this)
    else if (event.type === 'stateChanged') wakeOn(this.#config.wakeOn, this)
  }

  wake(): void {
    this.#observer.log.woken()
    this.send({ type: 'WAKE' })
  }

  stop(): void {
    this.#stopped = true
    stopWaking(this.#config.wakeOn, this)
    provideFor(this.#actor.system, this.#runtime)
    if (this.#resumeFrom === undefined) this.#actor.stop()
  }

  /** An error has ended the actor, in the state `failed`. */
  completed(): void {
    if (this.#stopped) return
    this.#revive()
    this.failed(this.cause)
  }

  failed(error: unknown): void {
    this.#observer.report(error, 'the connection machine')
  }

  #create(snapshot?: Snapshot<unknown>): MachineActor {
    const { name = 'connection', inspect, clock } = this.#config
    const { input } = this.#runtime
    const actor = createActor(clientMachine, {
      id: name,
      input,
      ...(snapshot && { snapshot }),
      ...(inspect && { inspect: this.#observer.inspector(inspect) }),
      clock,
    })
    provideFor(actor.system, this.#runtime, (error, failed) => {
      this.#resumeFrom = failed
      this.cause = error
    })
    return actor
  }

  #start(actor: MachineActor): boolean {
    let problem: unknown
    // XState throws the error of an actor without observers.
    const observing = actor.subscribe({
      error: (error) => {
        problem = error
        this.failed(error)
      },
    })
    actor.start()
    if (actor.getSnapshot().status !== 'active') return false
    observing.unsubscribe()
    this.#observer.watch(actor, this)
    return problem === undefined
  }

  /** Replaces an actor that has ended. If the new one fails at its start, only the next command tries again. */
  #revive(): void {
    if (this.#resumeFrom === undefined || this.#stopped) return
    const actor = this.#create(this.#resumeFrom)
    if (!this.#start(actor)) return
    this.#actor = actor
    this.#resumeFrom = undefined
  }
}
