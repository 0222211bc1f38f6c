import type { Failure } from '../../../../machines/failure.ts'
import { describeFailure } from '../../../../src/api/describe-failure.ts'
import { eventWords } from '../../../chart/model.ts'
import type { ShownEvent, ShownSnapshot, Timer } from '../../../protocol.ts'
import { stateOf } from '../../../shared/family.ts'
import { isObject } from '../../../shared/json.ts'
import { renewsCredentials } from './credentials.ts'
import { countdown, duration, remaining, shown, type Span } from './format.ts'
import { contextOf, fields, number, topState } from './state.ts'

/** A failure in words. The value may have any form, because it comes from another process. */
export function failureWords(failure: unknown): string {
  if (!isObject(failure) || typeof failure.kind !== 'string') return ''
  try {
    const words: unknown = describeFailure(failure as unknown as Failure)
    return typeof words === 'string' ? shown(words) : shown(failure.kind)
  } catch {
    return shown(failure.kind)
  }
}

export function eventTitle(event: ShownEvent): string {
  if (event.type === 'xstate.init') return 'started'
  if (event.type === 'xstate.stop') return 'stopped'
  return shown(eventWords(event.type), 120)
}

/** The information about a connection that an operator needs. */
export interface Summary {
  readonly title: string
  readonly detail: string
  readonly next: string
  readonly cause: string
  readonly outage: string
  /** The delay after which the next thing happens automatically. */
  readonly timer: Span | null
}

interface Moment {
  readonly snapshot: ShownSnapshot
  readonly timers: readonly Timer[] | undefined
  readonly now: number
  readonly since: number
  readonly bornAt: number
}

export function summaryOf({ snapshot, timers, now, since, bornAt }: Moment): Summary {
  const context = contextOf(snapshot)
  const config = fields(context.config)
  const state = topState(snapshot)
  const timer = timerOf(state, timers, context)
  const rest = timer ? countdown(remaining(timer, now)) : ''
  const cycle = number(context.cycle) ?? 0
  const attempt = number(context.attempt) ?? 0
  const cycles = `cycle ${outOf(cycle, fields(config.recovery).maxAttempts)}`
  const attempts = `attempt ${outOf(attempt, fields(config.reconnect).maxAttempts)}`
  const failure = failureWords(context.failure)
  const credentials = renewsCredentials(context, state, timer?.end ?? now) ? ', with new credentials' : ''
  const offline = offlineWords({ snapshot, now, bornAt }, state)
  const trouble = failure && `Cause: ${sentence(failure)}`
  const fast = attempt > 0 ? attempts : 'first attempt'
  const tier = cycle > 0 ? cycles : fast
  const make = (title: string, detail: string, next: string, cause = '', outage = offline): Summary => ({
    title,
    detail,
    next,
    cause,
    outage,
    timer,
  })

  if (snapshot.status === 'error') {
    return make('Crashed', '', 'The actor ended with an error and does nothing more.', trouble)
  }
  if (snapshot.status === 'stopped') {
    return make('Stopped', '', 'The client was disposed, or its process ended.', '', '')
  }
  switch (state) {
    case 'idle':
      return make('Idle', '', 'It has not been asked to connect yet.', '', '')
    case 'connecting':
      return make('Connecting', tier, rest && `The broker has ${rest} left to answer.`, trouble)
    case 'connected': {
      const restore = fields(context.restore)
      const open = `Connected for ${duration(now - (number(context.openedAt) ?? since))}.`
      if (stateOf(snapshot).endsWith('restoring')) {
        const progress = number(restore.total) ? `${number(restore.done)} of ${number(restore.total)}` : ''
        return make('Restoring subscriptions', progress, 'Publishes wait until this is done.', '', open)
      }
      return make('Connected', '', 'Messages flow.', '', open)
    }
    case 'reconnecting':
      return make('Reconnecting', attempts, rest && `Next attempt ${inTime(rest)}${credentials}.`, trouble)
    case 'recovering': {
      const recreate = fields(config.recovery).recreateClient === true
      const client = recreate ? ', with a new client' : ''
      return make('Recovering', cycles, rest && `Next attempt ${inTime(rest)}${credentials || client}.`, trouble)
    }
    case 'failed':
      return make('Failed', 'it gave up', 'Nothing happens until you choose Retry or Recover.', trouble)
    case 'refreshingToken': {
      const why = (typeof context.refreshReason === 'string' && reasons[context.refreshReason]) || ''
      const online = (snapshot.tags ?? []).includes('online')
      const until = rest && `The credentials source has ${rest} left to answer.`
      if (online) return make('Renewing credentials', why, 'The connection stays open meanwhile.', '')
      return make('Getting new credentials', why, until, trouble)
    }
    case 'disconnecting':
      return make('Disconnecting', '', rest && `Closed in ${rest} at the latest.`, '', '')
    case 'disconnected':
      return make('Disconnected', 'on request', 'It stays disconnected until it is asked to connect.', '', '')
    default:
      return make(shown(stateOf(snapshot), 80), '', '', trouble, '')
  }
}

/** The summary for any other machine. */
export function plainSummary({ snapshot, timers, now, since }: Moment, event: string | undefined): Summary {
  const state = stateOf(snapshot)
  const [timer] = (timers ?? []).toSorted((a, b) => a.startedAt + a.delay - b.startedAt - b.delay)
  const span = timer && { start: timer.startedAt, end: timer.startedAt + timer.delay }
  return {
    title: shown(state, 80),
    detail: '',
    next: span ? `${eventTitle({ type: timer.event })}: ${countdown(remaining(span, now))}.` : '',
    cause: '',
    outage: `In this state for ${duration(now - since)}${event ? `, last event ${eventTitle({ type: event })}` : ''}.`,
    timer: span ?? null,
  }
}

/** The summary for an actor whose process no longer reports. What has happened since is not known. */
export function silentSummary({ title, cause }: Summary, since: string): Summary {
  return {
    title: `Not reporting since ${since}, last seen: ${title}`,
    detail: '',
    next: 'Its process ended, or cannot reach the visualizer.',
    cause,
    outage: '',
    timer: null,
  }
}

function offlineWords({ snapshot, now, bornAt }: Pick<Moment, 'snapshot' | 'now' | 'bornAt'>, state: string): string {
  if (snapshot.tags?.includes('online')) return ''
  const interruptedAt = number(contextOf(snapshot).interruptedAt)
  if (interruptedAt !== null) return `Offline for ${duration(now - interruptedAt)}.`
  if (state === 'idle' || state === 'disconnected') return ''
  return `No connection yet, ${duration(now - bornAt)} after the start.`
}

/** The delay that determines how long a state lasts. */
export function timerOf(
  state: string,
  timers: readonly Timer[] | undefined,
  context: ReturnType<typeof contextOf>,
): Summary['timer'] {
  const timer = timers?.find((candidate) => candidate.state === state || candidate.state?.endsWith(`.${state}`))
  if (timer && state !== 'connected') return { start: timer.startedAt, end: timer.startedAt + timer.delay }
  const retryAt = number(context.retryAt)
  const delay = number(context.delay)
  return retryAt === null || delay === null ? null : { start: retryAt - delay, end: retryAt }
}

const reasons: Readonly<Record<string, string>> = {
  initial: 'there are none yet',
  expiring: 'they expire soon',
  refused: 'the broker refused them',
  cycle: 'as the recovery policy asks',
  requested: 'on request',
}

/** Such as `3 of 10`. Without a limit it is only the number: `Infinity` becomes `null` in JSON. */
export function outOf(value: unknown, limit: unknown): string {
  const count = number(value) ?? 0
  const most = number(limit)
  return most === null ? String(count) : `${count} of ${most}`
}

function inTime(left: string): string {
  return left === 'now' ? 'now' : `in ${left}`
}

function sentence(words: string): string {
  return /[.!?…]$/.test(words) ? words : `${words}.`
}
