import { MAX_DELAY } from '../machines/policy/backoff.ts'
import type { ResilientMqttClient } from '../src/client.ts'
import { nextTurn, realNow } from './real-time.ts'
import type { WaitOptions } from './wait-for.ts'

type Status = ResilientMqttClient['status']

/** Options of `runToNextRetry`. */
export interface RetryOptions extends WaitOptions {
  /** Moves the time that the client runs on by `ms` milliseconds, for example `vi.advanceTimersByTimeAsync`. */
  advance: (ms: number) => unknown
  /** The time that the client runs on, in milliseconds since the epoch. @default `Date.now`, which fake timers replace */
  now?: () => number
}

/**
 * Moves the time to the next attempt of a client, of either tier, and no further. Then waits in real time until the attempt
 * has ended, which may need real sockets: if the fake time went on meanwhile, the attempt would time out.
 *
 * Of several clients, such as `fleet.clients`, the first attempt of any of them counts. One that waits for the gate of its
 * fleet is not waited for.
 *
 * @returns the status after the attempt: `connected`, or waiting for the next one, or `failed`. For several clients an array
 * @throws {Error} if no client connects or is connected; if the client runs on another time than `now`; and after `timeout`
 *   milliseconds of real time, if none waits for an attempt, or the attempt does not end. An attempt that the server does not
 *   answer ends when the time is moved by `timeouts.connectTimeout`
 */
export async function runToNextRetry(client: ResilientMqttClient, options: RetryOptions): Promise<Status>
export async function runToNextRetry(clients: Iterable<ResilientMqttClient>, options: RetryOptions): Promise<Status[]>
export async function runToNextRetry(
  clients: ResilientMqttClient | Iterable<ResilientMqttClient>,
  { advance, now = () => Date.now(), timeout = 4_000 }: RetryOptions,
): Promise<Status | Status[]> {
  const isOne = !(Symbol.iterator in clients)
  const all = isOne ? [clients] : [...clients]
  const end = realNow() + timeout
  const until = async (what: string, isSo: () => boolean) => {
    while (!isSo()) {
      if (realNow() > end) throw new Error(`Gave up after ${timeout} ms waiting for ${what}. ${describe(all)}`)
      await nextTurn()
    }
  }
  const settled = () => all.every(isSettled)

  // The recovery tier follows on `failed` by a timer without a delay. Fake timers may delay it by a millisecond.
  const recover = async () => {
    for (const delay of [0, 1]) {
      if (all.some(({ status }) => status.state === 'failed')) await advance(delay)
    }
  }

  await until('the attempt under way to end', settled)
  await recover()
  if (all.every(isResting)) throw new Error(`There is no attempt to wait for. ${describe(all)}`)
  await until('a client to wait for an attempt', () => all.some(({ status }) => status.nextRetryAt !== null))
  const next = Math.min(...all.map(({ status }) => status.nextRetryAt ?? Number.POSITIVE_INFINITY))
  const wait = next - now()
  if (wait > MAX_DELAY) throw new Error(otherTime(wait))
  await advance(Math.max(0, wait))
  await until('the attempt to end', settled)
  if (wait < 0 && all.some(({ status }) => status.nextRetryAt === next)) throw new Error(otherTime(wait))
  await recover()
  const statuses = all.map(({ status }) => status)
  return isOne ? (statuses[0] as Status) : statuses
}

/** Whether nothing happens before time passes, or the test or the server does something. */
function isSettled(client: ResilientMqttClient): boolean {
  return !client.actor.getSnapshot().hasTag('busy') || client.status.admission === 'awaited'
}

function otherTime(wait: number): string {
  const when = wait < 0 ? `${-wait} ms ago` : `in ${wait} ms`
  return `The next attempt is ${when} by the time of the test, so the client runs on another time. With the option \`clock\`, pass \`now: clock.now\` too`
}

function isResting(client: ResilientMqttClient): boolean {
  return client.actor.getSnapshot().hasTag('resting')
}

function describe(clients: readonly ResilientMqttClient[]): string {
  const shown = clients.slice(0, 5).map(({ name, status: { state, lastFailure } }) => {
    return `${name ?? 'The client'} is ${state}${lastFailure ? `, after the failure ${JSON.stringify(lastFailure)}` : ''}.`
  })
  return [...shown, ...(clients.length > 5 ? [`And ${clients.length - 5} more.`] : [])].join(' ')
}
