/** Event handlers by name. An error of a handler, or a rejected promise, is reported and affects nothing else. */
export class Emitter<Events extends object> {
  /** A list is replaced, never changed: `emit` may be iterating it. */
  #handlers: Map<keyof Events, readonly Registration[]> | undefined
  readonly #onThrow: (error: unknown, event: keyof Events) => void

  constructor(onThrow: (error: unknown, event: keyof Events) => void) {
    this.#onThrow = onThrow
  }

  /** @returns removes the handler */
  on<Name extends keyof Events>(name: Name, handler: (event: Events[Name]) => unknown): () => void {
    // A new object each time, so that the same handler can be registered twice.
    const registration = { handler }
    // Unlike a spread or `filter`, `concat` and `slice` leave no room for more entries.
    this.#register(name, this.#registered(name).concat(registration))
    return () => {
      const registered = this.#registered(name)
      const at = registered.indexOf(registration)
      if (at >= 0) this.#register(name, registered.slice(0, at).concat(registered.slice(at + 1)))
    }
  }

  emit<Name extends keyof Events>(name: Name, event: Events[Name]): void {
    // A handler that another handler registers is called from the next event on.
    for (const { handler } of this.#registered(name)) {
      callGuarded(
        () => (handler as (event: Events[Name]) => unknown)(event),
        (error) => this.#onThrow(error, name),
      )
    }
  }

  #registered(name: keyof Events): readonly Registration[] {
    return this.#handlers?.get(name) ?? []
  }

  #register(name: keyof Events, registered: readonly Registration[]): void {
    const handlers = (this.#handlers ??= new Map())
    if (registered.length > 0) handlers.set(name, registered)
    else handlers.delete(name)
    if (handlers.size === 0) this.#handlers = undefined
  }
}

interface Registration {
  readonly handler: (event: never) => unknown
}

/** Calls a function of the application, which may throw or return a promise that rejects. */
export function callGuarded(call: () => unknown, onThrow: (error: unknown) => void): void {
  try {
    const result = call()
    if (result instanceof Promise) result.catch(onThrow)
  } catch (error) {
    onThrow(error)
  }
}
