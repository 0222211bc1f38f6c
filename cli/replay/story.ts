import { failureOf } from '../../machines/connection/read-event.ts'
import type { Failure } from '../../machines/failure.ts'
import { describeFailure } from '../../src/api/describe-failure.ts'
import type { ConnectionState } from '../../src/api/status.ts'
import type { Checkpoint, Step } from '../../src/recorder/format.ts'
import { replayedEvent } from '../../src/recorder/recorded-event.ts'
import type { ClientLine, Recording } from '../../testing/replay/read-recording.ts'
import { count } from '../count.ts'
import { inSeconds, inWords } from '../duration.ts'
import { columns, type Look, looks, ofMost, reasons } from '../narrator.ts'
import { printable, type Terminal } from '../terminal.ts'

type Emitted = { readonly type: string } & Readonly<Record<string, unknown>>

/** Tells what a client recorded: a line for each change of its state, as `demo` does, and for each command. */
export function tellStory(terminal: Terminal, recording: Recording): void {
  const { client, header, lines } = recording
  const first = lines[0] as Checkpoint
  const begins = new Date(first.now).toISOString().replace('T', ' ').slice(0, 19)
  terminal.line(
    `${terminal.paint('bold', printable(client))}  recorded by xstate-mqtt ${printable(header.package)} from ${begins} UTC on`,
  )
  terminal.line(terminal.paint('dim', columns('time'.padStart(12), '  state', 'try', 'delay', 'cause')))
  const teller = new Teller(terminal, first)
  for (const line of lines) teller.tell(line)
  teller.conclude()
}

class Teller {
  readonly #terminal: Terminal
  #checkpoint: Checkpoint
  #state: string
  #attempt = 0
  #cycle = 0
  #day: string
  #lostAt: number | undefined
  readonly #outages: number[] = []

  constructor(terminal: Terminal, checkpoint: Checkpoint) {
    this.#terminal = terminal
    this.#checkpoint = checkpoint
    this.#state = checkpoint.state
    this.#day = this.#date(checkpoint.t).slice(0, 10)
    if (checkpoint.context.interruptedAt !== null) this.#lostAt = checkpoint.t
  }

  tell(line: ClientLine): void {
    switch (line.type) {
      case 'step':
        return this.#step(line)
      case 'checkpoint':
        return this.#jumped(line)
      case 'broken':
        return this.#note(line.t, 'an error ended the machine: another one takes its place', 'red')
      case 'stopped':
        return this.#note(line.t, 'the client is disposed')
      case 'gap':
        return this.#note(undefined, `${count(line.lines, 'line')} could not be written`, 'yellow')
    }
  }

  conclude(): void {
    const outages = this.#outages
    const total = outages.length === 1 ? 'One outage' : `${outages.length || 'No'} outages`
    const longest = outages.length > 0 ? `, the longest of ${inWords(Math.max(...outages))}` : ''
    const open = this.#lostAt === undefined ? '' : '; the last one had not ended'
    this.#terminal.line(`${total}${longest}${open}.`)
  }

  #step(step: Step): void {
    const emitted = (step.does ?? []).flatMap((effect) => ('emit' in effect ? [effect.emit as Emitted] : []))
    const command = commandOf(step)
    if (command !== undefined) this.#note(step.t, command)
    const [before, after] = [topOf(this.#state), topOf(step.state)]
    this.#count(step, emitted)
    const isReentered = before === after && emitted.some(({ type }) => type === 'reconnectScheduled')
    if (before !== after || isReentered) this.#row(step, before, after, emitted)
    if (after === 'disconnected') this.#outageEnds(step.t)
    this.#state = step.state
    for (const each of emitted) this.#happened(step.t, each)
  }

  #count({ does = [] }: Step, emitted: readonly Emitted[]): void {
    for (const effect of does) {
      if (!('start' in effect) || effect.start !== 'transport') continue
      this.#attempt = Number(effect.with?.attempt)
      this.#cycle = Number(effect.with?.cycle)
    }
    for (const { type, attempt, cycle } of emitted) {
      if (type === 'reconnectScheduled') this.#attempt = Number(attempt)
      if (type === 'recoveryStarted') this.#cycle = Number(cycle)
    }
  }

  #row(step: Step, from: string, to: string, emitted: readonly Emitted[]): void {
    const { sign, style } = lookOf(to)
    const delay = emitted.find((each) => typeof each.delay === 'number')?.delay
    this.#columns(
      step.t,
      style,
      `${sign} ${printable(to)}`,
      this.#try(to),
      delay === undefined ? '' : inSeconds(Number(delay)),
      cause(step, from, to, emitted),
    )
  }

  #happened(t: number, event: Emitted): void {
    switch (event.type) {
      case 'connectionInterrupted':
        this.#lostAt ??= t
        break
      case 'connected': {
        const restored = `${Number(event.restored)} subscription${event.restored === 1 ? '' : 's'} restored`
        const refused = Number(event.refused) > 0 ? `, ${Number(event.refused)} refused` : ''
        const outage = this.#lostAt === undefined ? '' : `, after an outage of ${inWords(t - this.#lostAt)}`
        this.#columns(t, looks.connected.style, '└ ready', '', '', `${restored}${refused}${outage}`)
        this.#outageEnds(t)
        break
      }
      case 'gaveUp':
        return this.#note(t, 'gave up: nothing is tried until the application asks for it', 'red')
      case 'serverChanged':
      case 'redirected':
        return this.#note(t, `connected to another server: ${String(event.to)}`)
      case 'tokenRefreshFailed':
        return this.#note(t, describeFailure(event.failure as Failure))
    }
  }

  #outageEnds(t: number): void {
    if (this.#lostAt !== undefined) this.#outages.push(t - this.#lostAt)
    this.#lostAt = undefined
  }

  #jumped(checkpoint: Checkpoint): void {
    if (topOf(checkpoint.state) !== topOf(this.#state)) this.#note(checkpoint.t, `the state is ${checkpoint.state}`)
    this.#checkpoint = checkpoint
    this.#state = checkpoint.state
  }

  #try(state: string): string {
    if (state === 'idle' || state === 'disconnecting' || state === 'disconnected') return ''
    const { reconnect, recovery } = this.#checkpoint.config
    if (this.#cycle > 0) return `cycle ${ofMost(this.#cycle, recovery.maxAttempts)}`
    return this.#attempt > 0 ? `attempt ${ofMost(this.#attempt, reconnect.maxAttempts)}` : ''
  }

  #note(t: number | undefined, text: string, style: Parameters<Terminal['paint']>[0] = 'dim'): void {
    const time = t === undefined ? ' '.repeat(12) : this.#time(t)
    this.#terminal.line(`${time} ${this.#terminal.paint(style, `▸ ${printable(text)}`)}`)
  }

  #columns(
    t: number,
    style: Parameters<Terminal['paint']>[0],
    name: string,
    attempt: string,
    delay: string,
    why: string,
  ): void {
    this.#terminal.line(
      columns(this.#time(t), this.#terminal.paint(style, name.padEnd(17)), attempt, delay, printable(why)),
    )
  }

  /** Each new day gets a line. */
  #time(t: number): string {
    const date = this.#date(t)
    if (date.slice(0, 10) !== this.#day) {
      this.#day = date.slice(0, 10)
      this.#terminal.line(this.#terminal.paint('bold', this.#day))
    }
    return date.slice(11, 23)
  }

  #date(t: number): string {
    return new Date(this.#checkpoint.now + t - this.#checkpoint.t).toISOString()
  }
}

function topOf(state: string): string {
  return state.split('.', 1)[0] ?? ''
}

/** Another version may have states that this one does not know. */
function lookOf(state: string): Look {
  return Object.hasOwn(looks, state) ? looks[state as ConnectionState] : { sign: '·', style: 'dim' }
}

function commandOf({ event }: Step): string | undefined {
  const isCommand = event && /^(?:CONNECT|DISCONNECT|RETRY|RECOVER|WAKE|DROP)$/.test(event.type)
  return isCommand ? event.type : undefined
}

function cause(step: Step, from: string, to: string, emitted: readonly Emitted[]): string {
  if (to === 'connecting' && from === 'refreshingToken') return 'there is a new token'
  if (to === 'connected') return 'accepted: restoring subscriptions'
  if (to === 'refreshingToken') return refreshReason(step)
  const failed = to === 'reconnecting' || to === 'failed' || (to === 'recovering' && from !== 'failed')
  return failed ? describeFailure(failureIn(step, emitted)) : ''
}

function refreshReason({ does = [] }: Step): string {
  for (const effect of does) {
    if (!('start' in effect) || effect.start !== 'refresh') continue
    return reasons[effect.with?.reason as keyof typeof reasons] ?? ''
  }
  return ''
}

function failureIn({ event }: Step, emitted: readonly Emitted[]): Failure {
  const told = emitted.find((each) => each.failure !== undefined)?.failure
  return (told as Failure | undefined) ?? (event ? failureOf(replayedEvent(event) as never) : { kind: 'closed' })
}
