import { withDefaults } from '../../machines/config.ts'
import type { PeriodicSchedule } from '../../machines/connection/types.ts'
import { longestSending } from '../../machines/periodic-request.ts'
import { TimeoutError } from '../api/errors.ts'
import type { PeriodicRequestOptions, Subscription } from '../api/message-options.ts'
import type { Message, Payload, Qos } from '../api/message.ts'
import { periodicRules } from '../config/call-rules.ts'
import { defaultPeriodic } from '../config/defaults.ts'
import { checkFilter, checkTopic } from '../config/topics.ts'
import type { PeriodicRequests, PeriodicTask } from '../session/periodic-requests.ts'
import { onAbort } from '../shared/abort.ts'
import { positive } from '../shared/option-rules.ts'
import { readCallOptions } from '../shared/read-options.ts'
import { notNow } from './publish.ts'

/** The parts of a client that periodic requests need. */
export interface PeriodicPort {
  readonly requests: PeriodicRequests
  /** Subscribes without asking for retained messages. @param isAwaiting - whether a response is awaited */
  readonly subscribe: (filter: string, handler: (message: Message) => void, isAwaiting: () => boolean) => Subscription
  readonly publishNow: (topic: string, payload: Payload, qos: Qos) => Promise<unknown>
  /** Calls a function of the application, and reports what it throws. */
  readonly guard: (call: () => unknown, name: string) => void
}

/** A periodic request that is prepared, but not started. */
export interface PreparedRequest {
  readonly schedule: PeriodicSchedule
  /** Undoes the preparation. */
  readonly end: () => void
}

/** @throws {InvalidOptionError} if an option is wrong */
export function preparePeriodicRequest(port: PeriodicPort, options: PeriodicRequestOptions): PreparedRequest {
  const read = readCallOptions('startPeriodicRequests', options, periodicRules)
  const { topic, payload, interval, response, onResponse, onTimeout } = read
  const { jitter, qos } = withDefaults(defaultPeriodic, { jitter: read.jitter, qos: read.qos })
  // They are required.
  checkTopic(topic)
  periodicRules.payload('payload', payload)
  positive('interval', interval)
  if (response) checkFilter(response.filter, 'response.filter')
  let answered: (() => void) | undefined
  /** Whether the last request was sent, and its response is awaited. */
  let isSent = false
  const subscription =
    response &&
    port.subscribe(
      response.filter,
      (message) => {
        // A retained message is older than the request: MQTT 3.1.1 has no way to ask for none.
        if (!answered || message.retain || !(response.match?.(message) ?? true)) return
        answered()
        answered = undefined
        if (onResponse) port.guard(() => onResponse(message), 'onResponse')
      },
      () => answered !== undefined,
    )

  const report = (error: unknown) => port.guard(() => Promise.reject(error), `the periodic request to ${topic}`)
  const send = async (signal: AbortSignal, sent: () => void): Promise<void> => {
    // The response may be faster than the SUBACK.
    await subscription?.ready
    if (signal.aborted) return
    const value = typeof payload === 'function' ? await payload() : payload
    if (signal.aborted) return
    // The response may come before the acknowledgement.
    const responded = subscription && new Promise<void>((resolve) => (answered = resolve))
    const published = port.publishNow(topic, value, qos)
    isSent = true
    sent()
    await published
    await responded
  }
  const perform = async (signal: AbortSignal, sent: () => void): Promise<void> => {
    isSent = false
    const giveUp = () => (answered = undefined)
    onAbort(signal, giveUp)
    try {
      await send(signal, sent)
    } catch (error) {
      if (!signal.aborted) {
        giveUp()
        if (error !== notNow) report(error)
      }
      throw error
    }
  }
  const timedOut = () => {
    if (!response || !isSent) report(new TimeoutError(`the periodic request to ${topic}`, longestSending(interval)))
    else if (onTimeout) port.guard(onTimeout, 'onTimeout')
  }
  const task: PeriodicTask = { perform, timedOut }
  const id = port.requests.add(task)
  const responseTimeout = response ? (response.timeout ?? interval) : null
  return {
    schedule: { id, interval, jitter, responseTimeout },
    end: () => {
      port.requests.delete(id)
      subscription?.unsubscribe()
    },
  }
}
