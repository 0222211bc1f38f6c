import type { Failure } from '../../machines/failure.ts'
import { DisconnectedError } from '../api/errors.ts'
import { Waits, type Ending } from '../shared/wait.ts'
import type { ClientIdSource } from './attempt.ts'
import { type Happening, isRest, type Observer } from './observer.ts'
import type { RunningMachine } from './running-machine.ts'
import { gaveUp, isReady, isResting, type ConnectionSnapshot } from './snapshot.ts'

/** The parts of a client that calls of `connect` and `disconnect` need. */
export interface ConnectCallsPort {
  readonly machine: RunningMachine
  readonly observer: Observer
  readonly store: ClientIdSource | undefined
  /** Sends a command to the machine. Returns whether a running machine took it. */
  readonly send: (type: 'CONNECT' | 'RETRY' | 'DISCONNECT') => boolean
  readonly failed: (failure: Failure) => Error
}

/** Calls of `connect` and `disconnect`. The last call decides, even while an earlier one is under way. */
export class ConnectCalls {
  readonly #port: ConnectCallsPort
  readonly #connects = new Waits()
  #disconnects: Set<Promise<void>> | undefined
  /** What the calls of `connect` wait for at the moment, step by step. */
  readonly #steps = new Waits()
  /** Whether the machine tries only because `connect` was called: it has been neither ready nor resting since. */
  #onRequest = false

  constructor(port: ConnectCallsPort) {
    this.#port = port
  }

  /** Whether a call of `connect` is pending. */
  get isAwaited(): boolean {
    return this.#connects.size > 0
  }

  /** Called with each event of the machine, before the pending calls get it. */
  follow(event: Happening): void {
    if (event.type === 'connected' || isRest(event)) this.#onRequest = false
  }

  /** Connects, after any disconnect that is under way. Resolves when messages flow. */
  async connect(signal: AbortSignal | undefined): Promise<void> {
    if (!this.#disconnects?.size && isReady(this.#port.machine.actor.getSnapshot())) return
    try {
      await this.#connects.wait<void>({ signal }, (ending) => {
        const over = new AbortController()
        this.#connect(over.signal).then(
          () => ending.resolve(),
          (error: unknown) => ending.reject(error),
        )
        return [() => over.abort()]
      })
    } catch (error) {
      // A connection that has been ready may have other users than this call, so it stays.
      if (signal?.aborted && this.#onRequest && this.#connects.size === 0) this.#port.send('DISCONNECT')
      throw error
    }
  }

  /** Rejects pending calls of `connect`. Calls that come before `start` has resolved wait for it. */
  async disconnect(start: () => Promise<void>): Promise<void> {
    this.#connects.reject(new DisconnectedError('it was ready'))
    const disconnected = start()
    const disconnects = (this.#disconnects ??= new Set())
    disconnects.add(disconnected)
    await disconnected.finally(() => disconnects.delete(disconnected))
  }

  /** Waits until the machine is disconnected. If an error ends it meanwhile, its successor is asked once more. */
  async disconnected(waits: Waits, signal: AbortSignal | undefined): Promise<void> {
    const { observer, send } = this.#port
    const isOver = () => ['idle', 'disconnected', 'failed'].includes(observer.state)
    if (isOver()) return
    await waits.wait<void>({ signal }, (ending) => [
      observer.events.on('stateChanged', ({ to }) => to === 'disconnected' && ending.resolve()),
      observer.events.on('gaveUp', () => {
        send('DISCONNECT')
        if (isOver()) ending.resolve()
      }),
    ])
  }

  async #connect(signal: AbortSignal): Promise<void> {
    // Without an obstacle CONNECT is sent before this function returns, so that the next line of the application sees
    // it.
    for (let obstacle = this.#obstacle(); obstacle; obstacle = this.#obstacle()) await obstacle
    if (signal.aborted || isReady(this.#port.machine.actor.getSnapshot())) return
    await this.#steps.wait<void>({ signal }, (ending) => this.#begin(ending))
  }

  #begin(ending: Ending<void>): (() => void)[] {
    const { machine, observer, send, failed } = this.#port
    const { events } = observer
    const stops = [
      events.on('connected', () => ending.resolve()),
      events.on('gaveUp', ({ failure }) => ending.reject(failed(failure))),
      events.on('stateChanged', ({ to }) => {
        if (to === 'disconnecting' || to === 'disconnected') ending.reject(new DisconnectedError('it was ready'))
      }),
    ]
    const snapshot = machine.actor.getSnapshot()
    this.#onRequest ||= isResting(snapshot)
    if (!send(gaveUp(snapshot) ? 'RETRY' : 'CONNECT')) ending.reject(failed(machineFailure(snapshot)))
    return stops
  }

  /** What the next connection must wait for: the end of the last one, and an open store. */
  #obstacle(): Promise<unknown> | undefined {
    const { observer, store } = this.#port
    if (this.#disconnects?.size) return Promise.allSettled(this.#disconnects)
    if (observer.state === 'disconnecting') return this.#closed()
    return store && store.clientId === undefined ? store.open() : undefined
  }

  #closed(): Promise<void> {
    const { events } = this.#port.observer
    return this.#steps.wait<void>({}, (ending) => [
      events.on('stateChanged', ({ from }) => from === 'disconnecting' && ending.resolve()),
    ])
  }
}

/** Why no machine took a command: the last one failed, and its successor failed at its start. */
function machineFailure({ context }: ConnectionSnapshot): Failure {
  return context.failure ?? { kind: 'internal', actor: 'machine', message: 'Error' }
}
