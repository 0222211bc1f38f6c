import {
  ClientDisposedError,
  type ClientEvents,
  ConnectionFailedError,
  type MessageHandler,
  type Qos,
  type ResilientMqttClient,
  type SubscribeOptions,
  type Subscription,
  UnsubscribedError,
} from '../src/index.ts'

/** Whether the broker has granted a subscription. It stays `ready` during an outage: see `useMqttStatus` for that. */
export type SubscriptionReadiness =
  | {
      /** The broker has not answered, the client is not connected, or the filter is `null`. */
      readonly status: 'pending'
      readonly qos: undefined
      readonly error: undefined
    }
  | {
      readonly status: 'ready'
      /** What the broker has granted. */
      readonly qos: Qos
      readonly error: undefined
    }
  | {
      /** The broker has refused the subscription. It is asked again after a pause, and on each new connection. */
      readonly status: 'refused'
      readonly qos: undefined
      /** The reason, usually a `SubscriptionRefusedError`. */
      readonly error: Error
    }

interface FilterSubscriptionParts<Value> {
  readonly client: ResilientMqttClient
  /** Nothing is subscribed if it is `null`. */
  readonly filter: string | null | undefined
  readonly options: SubscribeOptions<Value>
  readonly handle: MessageHandler<Value>
  readonly changed: () => void
}

/** A subscription of a component, and how far it is. */
export class FilterSubscription<Value> {
  readonly #parts: FilterSubscriptionParts<Value>
  #readiness: SubscriptionReadiness = pending
  #subscription: Subscription | undefined
  /** Also for the next subscription: `<Activity>` ends this one when it hides the component. */
  #isPaused = false
  #awaited: Promise<Qos> | undefined
  /** How many connections there had been when the subscription was granted. */
  #grantedOn = 0
  /** Whether the broker has refused it for good. Its promise stays rejected, whatever the broker answers later. */
  #isOver = false
  #offs: (() => void)[] = []

  constructor(parts: FilterSubscriptionParts<Value>) {
    this.#parts = parts
  }

  get readiness(): SubscriptionReadiness {
    return this.#readiness
  }

  /** @throws {InvalidOptionError} if the filter or an option is wrong */
  start(): void {
    const { client, filter } = this.#parts
    if (filter === null || filter === undefined) return
    this.#subscribe(filter)
    const refused = (event: ClientEvents['subscriptionRefused']) => {
      if (event.filter === filter && !this.#isGranted) this.#refused(event.error)
    }
    this.#offs = [
      client.on('subscriptionRefused', refused),
      client.on('subscriptionFailed', refused),
      client.on('subscriptionGranted', (event) => {
        // Also after a refusal for good: another component has asked again, and both get its messages.
        if (event.filter === filter && this.#readiness.status !== 'ready') this.#granted(event.qos)
      }),
      client.on('stateChanged', ({ to }) => {
        if (to === 'connecting' && this.#isOver) this.#subscribe(filter)
      }),
      client.on('connected', () => {
        if (this.#readiness.status === 'ready') this.#grantedOn = this.#connects
        this.#await()
      }),
    ]
  }

  stop(): void {
    for (const off of this.#offs.splice(0)) off()
    this.#subscription?.unsubscribe()
    this.#subscription = undefined
    this.#awaited = undefined
    this.#readiness = pending
  }

  pause(): void {
    this.#isPaused = true
    this.#subscription?.pause()
  }

  resume(): void {
    this.#isPaused = false
    this.#subscription?.resume()
  }

  /** If so, what the broker refuses on this connection is more than that, for another subscription to the filter. */
  get #isGranted(): boolean {
    return this.#readiness.status === 'ready' && this.#grantedOn === this.#connects
  }

  get #connects(): number {
    return this.#parts.client.status.counters.connects
  }

  #subscribe(filter: string): void {
    const { client, handle, options } = this.#parts
    this.#subscription?.unsubscribe()
    this.#subscription = client.subscribe(filter, handle, options)
    this.#isOver = false
    if (this.#isPaused) this.#subscription.pause()
    this.#await()
  }

  #await(): void {
    const ready = this.#subscription?.ready
    if (!ready || ready === this.#awaited) return
    this.#awaited = ready
    const isCurrent = () => this.#awaited === ready
    ready.then(
      (qos) => isCurrent() && this.#granted(qos),
      (error: Error) => {
        if (!isCurrent() || isPostponed(error)) return
        this.#isOver = true
        this.#refused(error)
      },
    )
  }

  #granted(qos: Qos): void {
    this.#grantedOn = this.#connects
    if (this.#readiness.qos !== qos) this.#set({ status: 'ready', qos, error: undefined })
  }

  #refused(error: Error): void {
    if (this.#readiness.error !== error) this.#set({ status: 'refused', qos: undefined, error })
  }

  #set(readiness: SubscriptionReadiness): void {
    this.#readiness = readiness
    this.#parts.changed()
  }
}

const pending: SubscriptionReadiness = { status: 'pending', qos: undefined, error: undefined }

/** Whether the broker has not answered. */
function isPostponed(error: unknown): boolean {
  return (
    error instanceof ConnectionFailedError || error instanceof ClientDisposedError || error instanceof UnsubscribedError
  )
}
