import type { PeriodicRequestEvent, RequestInput } from '../../machines/periodic-request.ts'

/** What a periodic request does. */
export interface PeriodicTask {
  /**
   * Resolves when the request is sent and its response, if one is expected, has arrived.
   *
   * @param sent - to be called when the response may arrive
   */
  readonly perform: (signal: AbortSignal, sent: () => void) => Promise<void>
  /** The request was not sent in time, or its response did not arrive in time. */
  readonly timedOut: () => void
}

/** The parts of a `request` actor that its logic needs. */
export interface RequestActor {
  readonly input: RequestInput
  readonly sendBack: (event: PeriodicRequestEvent) => void
}

/** The tasks of the periodic requests, by id. Topics and payloads stay here, outside the machines. */
export class PeriodicRequests {
  #tasks: Map<string, PeriodicTask> | undefined
  #last = 0

  /** @returns the id of the request's actor */
  add(task: PeriodicTask): string {
    const id = `periodic.${++this.#last}`
    ;(this.#tasks ??= new Map()).set(id, task)
    return id
  }

  delete(id: string): void {
    this.#tasks?.delete(id)
  }

  timedOut(id: string): void {
    this.#tasks?.get(id)?.timedOut()
  }

  /** Runs a `request` actor: performs one request. @returns stops the actor, and aborts its request */
  request({ input, sendBack }: RequestActor): () => void {
    const task = this.#tasks?.get(input.id)
    const controller = new AbortController()
    const tell = (event: PeriodicRequestEvent) => {
      if (!controller.signal.aborted) sendBack(event)
    }
    void (async () => {
      try {
        await task?.perform(controller.signal, () => tell({ type: 'request.sent' }))
        tell({ type: 'request.done' })
      } catch {
        tell({ type: 'request.failed' })
      }
    })()
    return () => controller.abort()
  }
}
