import type { Actor, InspectionEvent } from 'xstate'

import type { HealthSnapshot } from '../../machines/connection/health.ts'
import type { connectionMachine } from '../../machines/connection/machine.ts'
import type { ConnectionEmitted } from '../../machines/connection/types.ts'
import { ConnectionFailedError, InvalidOptionError, show, StoreError } from '../api/errors.ts'
import type { ClientEvents } from '../api/events.ts'
import type { Health } from '../api/health.ts'
import type { ResilientMqttClientOptions } from '../api/options.ts'
import type { ConnectionState } from '../api/status.ts'
import type { ClientConfig } from '../config/client-config.ts'
import { PacketTrace } from '../mqtt/packet-trace.ts'
import { callGuarded, Emitter } from '../shared/emitter.ts'
import { EventLog } from './event-log.ts'
import { HealthWatch } from './health-watch.ts'
import type { ConnectionObserver } from './session-reports.ts'
import { stateOf } from './snapshot.ts'

/** An event of the machine, or a change of its state. */
export type Happening =
  | ConnectionEmitted
  | { readonly type: 'stateChanged'; readonly from: ConnectionState; readonly to: ConnectionState }

type Delay = Extract<ConnectionEmitted, { readonly type: 'reconnectScheduled' | 'recoveryStarted' }>

/** Whether the machine rests now: nothing happens until the application asks for it. */
export function isRest(event: Happening): boolean {
  return event.type === 'gaveUp' || (event.type === 'stateChanged' && event.to === 'disconnected')
}

/** Called when an actor has ended. */
export interface ActorEnd {
  completed(): void
  failed(error: unknown): void
}

type ObserverConfig = Pick<ClientConfig, 'gate' | 'logger' | 'name' | 'now'>

/** Turns what the machine does into events and log lines, and remembers its state and since when it has it. */
export class Observer implements ConnectionObserver {
  readonly events: Emitter<ClientEvents>
  readonly log: EventLog
  readonly packets = new PacketTrace((packet) => {
    this.events.emit(packet.direction === 'sent' ? 'packetsend' : 'packetreceive', packet)
  })
  /** How many handlers the application has for each event. */
  #heard: Map<keyof ClientEvents, number> | undefined
  readonly #now: () => number
  readonly #happened: (event: Happening) => void
  /** Events of the transition under way. Handlers are called after it, so that the state agrees with them. */
  #emitted: ConnectionEmitted[] = []
  #state: ConnectionState = 'idle'
  #hasConnected = false
  readonly #isOneOfMany: boolean
  #since: number
  readonly #health: HealthWatch

  /** @param happened - called with each event, before the application's handlers and the pending calls get it */
  constructor({ logger, name, now, gate }: ObserverConfig, happened: (event: Happening) => void) {
    this.log = new EventLog(logger, name, { isHeard: (event) => this.#isHeard(event), advice: howToHandle })
    this.#isOneOfMany = gate !== undefined
    this.#now = now
    this.#since = now()
    this.#health = new HealthWatch(now)
    this.#happened = happened
    this.events = new Emitter((error, event) => this.report(error, `the handler of ${event}`))
  }

  get state(): ConnectionState {
    return this.#state
  }

  /** When the machine entered its state, in milliseconds since 1970. */
  get since(): number {
    return this.#since
  }

  /** The health of the client. @param snapshot - of its actor */
  health(snapshot: HealthSnapshot): Health {
    return this.#health.of(snapshot)
  }

  /**
   * Observes an actor, from its start on. It is called again for each actor that replaces another.
   *
   * @param end - called when the actor has ended
   */
  watch(actor: Actor<typeof connectionMachine>, end: ActorEnd): void {
    actor.on('*', (emitted) => void this.#emitted.push(emitted))
    actor.subscribe({
      next: (snapshot) => {
        this.#followHealth(snapshot)
        this.#transitioned(stateOf(snapshot))
      },
      complete: () => {
        this.#followHealth(actor.getSnapshot())
        end.completed()
      },
      error: (error) => end.failed(error),
    })
  }

  /**
   * Wraps an inspector so that its errors do no harm: XState would throw them into the transition, and the machine
   * would be stuck. An inspector that fails once usually fails at each event, so only its first error is reported.
   */
  inspector(inspect: NonNullable<ResilientMqttClientOptions['inspect']>): (event: InspectionEvent) => void {
    let reported = false
    const report = (error: unknown) => {
      if (reported) return
      reported = true
      this.report(error, 'the inspector')
    }
    return (event) =>
      callGuarded(() => (typeof inspect === 'function' ? inspect(event) : inspect.next?.(event)), report)
  }

  /** Reports publishes of an earlier process that the store held. */
  restored(restored: ClientEvents['outboxRestored']): void {
    this.log.event('info', 'outboxRestored', restored)
    this.events.emit('outboxRestored', restored)
  }

  /** Adds a handler of the application. @returns removes it */
  on<Name extends keyof ClientEvents>(event: Name, handler: (event: ClientEvents[Name]) => unknown): () => void {
    const off = this.events.on(event, handler)
    const heard = (this.#heard ??= new Map())
    const count = (change: number) => {
      heard.set(event, (heard.get(event) ?? 0) + change)
      this.packets.turn(this.#isHeard('packetsend') || this.#isHeard('packetreceive'))
    }
    count(1)
    let isOn = true
    return () => {
      if (isOn) count(-1)
      isOn = false
      off()
    }
  }

  /** Logs that a handler was subscribed again to the same filter. */
  subscribedAgain(filter: string): void {
    this.log.subscribedAgain(filter)
  }

  /** Reports that a part of the application failed. Errors in a handler of `error` itself go to the logger only. */
  report(error: unknown, source: string): void {
    const isHeard = this.#isHeard('error') && source !== 'the handler of error'
    if (isHeard) return this.events.emit('error', { error, source })
    this.log.failed(error, source)
  }

  /**
   * Reports a publish whose rejection no code handles. @param given - the topic as it was given, perhaps a wrong one
   */
  publishFailed(given: unknown, error: unknown): void {
    const topic = typeof given === 'string' ? given : show(given)
    this.log.publishFailed(topic, error)
    this.events.emit('publishFailed', { topic, error })
  }

  /**
   * Reports a call that failed although no code handles its promise. A call that the application ended is not reported.
   */
  callFailed(error: unknown, call: string): void {
    if (error instanceof ConnectionFailedError) this.unheard('gaveUp', 'the connection failed', error)
    else if (error instanceof StoreError || error instanceof InvalidOptionError) this.report(error, call)
  }

  /** Prints an error whose event has no handler, if there is no logger either. */
  unheard(event: keyof ClientEvents, sentence: string, error: unknown): void {
    this.log.unheard(event, sentence, error)
  }

  #isHeard(event: keyof ClientEvents): boolean {
    return (this.#heard?.get(event) ?? 0) > 0
  }

  #followHealth(snapshot: HealthSnapshot): void {
    callGuarded(
      () => this.#health.follow(snapshot),
      (error) => this.report(error, 'now'),
    )
  }

  #transitioned(to: ConnectionState): void {
    const from = this.#state
    const emitted = this.#emitted
    this.#emitted = []
    if (from !== to) {
      this.#state = to
      this.#hasConnected ||= to === 'connected'
      // `now` is the application's. XState would throw its error out of this observer.
      callGuarded(
        () => (this.#since = this.#now()),
        (error) => this.report(error, 'now'),
      )
      this.log.stateChanged(from, to)
      this.#tellClient({ type: 'stateChanged', from, to })
      this.events.emit('stateChanged', { from, to })
    }
    for (const each of emitted) {
      const { type, ...event } = each
      this.log.emitted(type, event)
      if (each.type === 'reconnectScheduled' || each.type === 'recoveryStarted') this.#tellDelay(each)
      this.#tellClient(each)
      this.events.emit(type, event)
    }
  }

  /**
   * Prints why the first connection does not come about, unless the application follows that itself. In a fleet, thousands would
   * print the same.
   */
  #tellDelay({ type, failure, delay }: Delay): void {
    if (this.#hasConnected || this.#isOneOfMany || this.#isHeard('stateChanged') || this.#isHeard(type)) return
    // These were reported as errors of the application.
    if (failure.kind === 'refresh' || failure.kind === 'options') return
    this.log.notConnected(failure, delay)
  }

  #tellClient(event: Happening): void {
    callGuarded(
      () => this.#happened(event),
      (error) => this.report(error, `the handler of ${event.type}`),
    )
  }
}

function howToHandle(event: keyof ClientEvents): string {
  return `Handle it by client.on('${event}', …), or give the client a logger.`
}
