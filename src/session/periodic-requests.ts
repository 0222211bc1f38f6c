import type { AnyEventObject, CallbackLogicFunction } from 'xstate'

import type { PeriodicRequestEvent, RequestInput } from '../../machines/periodic-request.ts'

/** What a periodic request does. */
export interface PeriodicTask {
  /**
   * Resolves when the request is done, and its response, if one is expected, has come.
   *
   * @param sent - to be called when the response may come
   */
  readonly perform: (signal: AbortSignal, sent: () => void) => Promise<void>
  /** It was not sent in time, or the response did not come in time. */
  readonly timedOut: () => void
}

/** What periodic requests do, by their ids: topics and payloads stay here, outside of the machines. */
export class PeriodicRequests {
  readonly #tasks = new Map<string, PeriodicTask>()
  #last = 0

  /** @returns the id of its actor */
  add(task: PeriodicTask): string {
    const id = `periodic.${++this.#last}`
    this.#tasks.set(id, task)
    return id
  }

  delete(id: string): void {
    this.#tasks.delete(id)
  }

  timedOut(id: string): void {
    this.#tasks.get(id)?.timedOut()
  }

  /** What a `request` actor does: it performs one request, and aborts it when it is stopped. */
  readonly request: CallbackLogicFunction<AnyEventObject, AnyEventObject, RequestInput> = ({ input, sendBack }) => {
    const task = this.#tasks.get(input.id)
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
