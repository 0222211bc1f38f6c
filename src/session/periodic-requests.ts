import { fromCallback, type AnyEventObject } from 'xstate'

import type { PeriodicRequestEvent, RequestInput } from '../../machines/periodic-request.ts'

/** One request: resolves when it is done, and its answer, if one is expected, has come. */
export type PerformRequest = (signal: AbortSignal) => Promise<void>

/** What periodic requests do, by their ids: topics and payloads stay here, outside of the machines. */
export class PeriodicRequests {
  readonly #requests = new Map<string, PerformRequest>()
  #last = 0

  /** @returns the id of its actor */
  add(perform: PerformRequest): string {
    const id = `periodic.${++this.#last}`
    this.#requests.set(id, perform)
    return id
  }

  delete(id: string): void {
    this.#requests.delete(id)
  }

  /** The logic of the `request` actor: performs one request, and aborts it when it is stopped. */
  readonly request = fromCallback<AnyEventObject, RequestInput>(({ input, sendBack }) => {
    const perform = this.#requests.get(input.id)
    const controller = new AbortController()
    const tell = (event: PeriodicRequestEvent) => {
      if (!controller.signal.aborted) sendBack(event)
    }
    void (async () => {
      try {
        await perform?.(controller.signal)
        tell({ type: 'request.done' })
      } catch {
        tell({ type: 'request.failed' })
      }
    })()
    return () => controller.abort()
  })
}
