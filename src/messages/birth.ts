import type { Birth, BirthPublishOptions } from '../api/birth.ts'
import type { Clock } from '../api/clock.ts'
import { TimeoutError } from '../api/errors.ts'
import type { Announce } from '../session/announcement.ts'
import { Waits } from '../shared/wait.ts'
import { Rejections } from '../shared/watched-promise.ts'
import { publishFirst, type Publisher } from './publish.ts'

export interface BirthPort {
  readonly clock: Clock
  /** In milliseconds. */
  readonly timeout: number
  readonly publisher: () => Publisher
  readonly report: (error: unknown, source: string) => void
}

/** Runs the option `birth` on each connection. Its failure is reported, and the outbox drains nevertheless. */
export function announcing(birth: Birth | undefined, port: BirthPort): Announce | undefined {
  if (!birth) return undefined
  const { clock, timeout: after } = port
  const timeout = { after, clock, error: () => new TimeoutError('the birth', after) }
  return async ({ sessionPresent, ended }) => {
    const over = new AbortController()
    try {
      await new Waits().wait<void>({ signal: ended, timeout }, (ending) => {
        run(birth, port, sessionPresent, over.signal).then(
          () => ending.resolve(),
          (error: unknown) => ending.reject(error),
        )
        return []
      })
      over.abort(new Error('the birth is over'))
    } catch (error) {
      over.abort(error)
      // The next connection has a birth of its own.
      if (!ended.aborted) port.report(error, 'birth')
    }
  }
}

/** Publishes that the function does not await are awaited and, if they fail, reported. */
async function run(birth: Birth, port: BirthPort, sessionPresent: boolean, signal: AbortSignal): Promise<void> {
  const publisher = port.publisher()
  const rejections = new Rejections()
  const pending = new Set<Promise<unknown>>()
  const report = (error: unknown) => signal.reason === error || port.report(error, 'birth')
  await birth({
    sessionPresent,
    signal,
    publish: <Value>(topic: string, value: Value, options: BirthPublishOptions<Value> = {}) => {
      const published = publishFirst(publisher, topic, value, options, signal)
      const settled = () => pending.delete(published)
      published.then(settled, settled)
      pending.add(published)
      return rejections.watch(published, report)
    },
  })
  await Promise.allSettled(pending)
}
