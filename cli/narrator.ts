import type { RefreshReason } from '../machines/connection/types.ts'
import { describeFailure } from '../src/api/describe-failure.ts'
import type { ConnectionState } from '../src/api/status.ts'
import type { ResilientMqttClient } from '../src/client.ts'
import { inSeconds } from './duration.ts'
import { printable, type Style, type Terminal } from './terminal.ts'

export interface Look {
  readonly sign: string
  readonly style: Style
}

export const looks: Readonly<Record<ConnectionState, Look>> = {
  idle: { sign: '○', style: 'dim' },
  connecting: { sign: '◌', style: 'cyan' },
  connected: { sign: '●', style: 'green' },
  reconnecting: { sign: '◔', style: 'yellow' },
  failed: { sign: '✕', style: 'red' },
  recovering: { sign: '◑', style: 'magenta' },
  refreshingToken: { sign: '◇', style: 'blue' },
  disconnecting: { sign: '◌', style: 'dim' },
  disconnected: { sign: '○', style: 'dim' },
}

export const reasons: Readonly<Record<RefreshReason, string>> = {
  initial: 'there is no token yet',
  expiring: 'the token is about to expire',
  refused: 'the broker refused the token',
  cycle: 'this cycle gets a new token',
  requested: 'on request',
}

export interface NarratorOptions {
  /** The text of the time column. */
  readonly time: () => string
  /** The text beside the state in the live line. */
  readonly activity: () => string
}

/** The time since this call, such as `12.3s`. */
export function elapsedTime(): () => string {
  const started = performance.now()
  return () => `${((performance.now() - started) / 1_000).toFixed(1)}s`.padStart(5)
}

/** The time of day, such as `14:05:09`. */
export function timeOfDay(): string {
  return new Date().toTimeString().slice(0, 8)
}

/** Prints what a client does: a line for each transition and, on a terminal, a live line with a countdown. */
export class Narrator {
  /** The states that the client went through, in order. */
  readonly path: ConnectionState[] = []
  readonly #terminal: Terminal
  readonly #client: ResilientMqttClient
  readonly #time: () => string
  readonly #activity: () => string
  readonly #timer: ReturnType<typeof setInterval> | undefined
  readonly #stops: readonly (() => void)[]

  constructor(terminal: Terminal, client: ResilientMqttClient, { time, activity }: NarratorOptions) {
    this.#terminal = terminal
    this.#client = client
    this.#time = time
    this.#activity = activity
    this.#stops = [
      client.on('stateChanged', ({ from, to }) => this.#changed(from, to)),
      client.on('connected', ({ restored, refused }) => this.#ready(restored, refused)),
      client.on('error', ({ error, source }) => this.note(`${source} failed: ${messageOf(error)}`)),
      client.on('tokenRefreshFailed', ({ failure }) => this.note(printable(describeFailure(failure)))),
    ]
    if (terminal.isLive) this.#timer = setInterval(() => this.#tick(), 100)
  }

  /** Prints the headings of the columns. */
  header(): void {
    this.#terminal.line(
      this.#terminal.paint('dim', columns('time'.padStart(this.#time().length), '  state', 'try', 'delay', 'cause')),
    )
  }

  /** Prints something that is not a transition, such as what happens to the broker. */
  note(text: string, style: Style = 'dim'): void {
    const { paint, line } = bound(this.#terminal)
    line(`${this.#time()} ${paint(style, `▸ ${text}`)}`)
  }

  /** Ends the live line, and stops listening. */
  end(): void {
    clearInterval(this.#timer)
    for (const stop of this.#stops) stop()
    this.#terminal.live('')
  }

  #changed(from: ConnectionState, to: ConnectionState): void {
    this.path.push(to)
    const { sign, style } = looks[to]
    this.#row(style, `${sign} ${to}`, this.#try(to), this.#delay(), this.#cause(from, to))
    this.#tick()
  }

  #ready(restored: number, refused: number): void {
    const subscriptions = `${restored} subscription${restored === 1 ? '' : 's'} restored`
    const cause = `${subscriptions}${refused > 0 ? `, ${refused} refused` : ''}`
    this.#row(looks.connected.style, '└ ready', '', '', cause)
  }

  #row(style: Style, name: string, attempt: string, delay: string, cause: string): void {
    const { paint, line } = bound(this.#terminal)
    line(columns(this.#time(), paint(style, name.padEnd(STATE)), attempt, delay, printable(cause)))
  }

  /** The number of the attempt or cycle, and of how many. */
  #try(state: ConnectionState): string {
    if (state === 'idle' || state === 'disconnecting' || state === 'disconnected') return ''
    const { attempt, cycle } = this.#client.status
    const { reconnect, recovery } = this.#client.actor.getSnapshot().context.config
    if (cycle > 0) return `cycle ${ofMost(cycle, recovery.maxAttempts)}`
    return attempt > 0 ? `attempt ${ofMost(attempt, reconnect.maxAttempts)}` : ''
  }

  #delay(): string {
    const { nextRetryAt } = this.#client.status
    if (nextRetryAt === null) return ''
    return inSeconds(Math.round(this.#client.actor.getSnapshot().context.delay / 100) * 100)
  }

  #cause(from: ConnectionState, to: ConnectionState): string {
    if (to === 'refreshingToken') return this.#refreshReason()
    if (to === 'connecting' && from === 'refreshingToken') return 'there is a new token'
    if (to === 'connected') return 'accepted: restoring subscriptions'
    // From `failed` to `recovering`, the line above has already said it.
    const failed = to === 'reconnecting' || to === 'failed' || (to === 'recovering' && from !== 'failed')
    const { lastFailure } = this.#client.status
    return failed && lastFailure ? describeFailure(lastFailure) : ''
  }

  #refreshReason(): string {
    const { refreshReason, credentials } = this.#client.actor.getSnapshot().context
    const expired = credentials.expiresAt !== null && credentials.expiresAt <= Date.now()
    return refreshReason === 'expiring' && expired ? 'the token has expired' : reasons[refreshReason]
  }

  #tick(): void {
    const { state, nextRetryAt } = this.#client.status
    const { sign, style } = looks[state]
    const { paint } = bound(this.#terminal)
    const waiting = nextRetryAt === null ? '' : this.#countdown(nextRetryAt)
    const activity = this.#activity()
    const rest = [waiting, activity].filter(Boolean).join(paint('dim', ' · '))
    this.#terminal.live(`${this.#time()} ${paint(style, `${sign} ${state}`)}  ${rest}`)
  }

  #countdown(until: number): string {
    const { delay } = this.#client.actor.getSnapshot().context
    const left = Math.min(delay, Math.max(0, until - Date.now()))
    const width = 20
    const gone = delay > 0 ? Math.round((1 - left / delay) * width) : width
    const { paint } = bound(this.#terminal)
    const bar = `${paint('yellow', '━'.repeat(gone))}${paint('dim', '─'.repeat(width - gone))}`
    return `${bar} in ${(left / 1_000).toFixed(1)} s`
  }
}

const STATE = 17

/** A row of the table. */
export function columns(time: string, state: string, attempt: string, delay: string, cause: string): string {
  return `${time} ${state.padEnd(STATE)} ${attempt.padEnd(12)} ${delay.padEnd(5)} ${cause}`.trimEnd()
}

export function ofMost(n: number, max: number): string {
  return max === Number.POSITIVE_INFINITY ? String(n) : `${n}/${max}`
}

function messageOf(error: unknown): string {
  return printable(error instanceof Error ? error.message : String(error))
}

function bound(terminal: Terminal) {
  return {
    paint: (style: Style, text: string) => terminal.paint(style, text),
    line: (text: string) => terminal.line(text),
  }
}
