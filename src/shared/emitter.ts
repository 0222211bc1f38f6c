/** Event handlers by name. An error of a handler, or a rejected promise, is reported and affects nothing else. */
export class Emitter<Events extends object> {
  readonly #handlers = new Map<keyof Events, Set<(event: never) => unknown>>()
  readonly #onThrow: (error: unknown, event: keyof Events) => void

  constructor(onThrow: (error: unknown, event: keyof Events) => void) {
    this.#onThrow = onThrow
  }

  /** @returns removes the handler */
  on<Name extends keyof Events>(name: Name, handler: (event: Events[Name]) => unknown): () => void {
    const handlers = this.#handlers.get(name) ?? new Set()
    this.#handlers.set(name, handlers)
    // A new function each time, so that the same handler can be registered twice.
    const registered = (event: Events[Name]) => handler(event)
    handlers.add(registered)
    return () => void handlers.delete(registered)
  }

  emit<Name extends keyof Events>(name: Name, event: Events[Name]): void {
    // A copy: a handler that another handler registers is called from the next event on.
    for (const handler of Array.from(this.#handlers.get(name) ?? [])) {
      callGuarded(
        () => (handler as (event: Events[Name]) => unknown)(event),
        (error) => this.#onThrow(error, name),
      )
    }
  }
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
