import { randomText } from '../shared/random-text.ts'
import { FORMAT, type Lost, PACKAGE_VERSION, type RecordedLine } from './format.ts'
import type { LineSink } from './machine-recorder.ts'
import { redactedJson } from './redacted-json.ts'

/** How many characters may wait to be written. */
const MAX_WAITING = 4 * 1_024 * 1_024

/** Where a recording goes. Times are in milliseconds since 1970. */
export interface RecordingTarget {
  readonly limits: {
    /** How large a part of the recording may be, in bytes, and how old, in milliseconds. Then another part begins. */
    readonly bytes: number
    readonly age: number
    /** How many lines one call of `write` takes. */
    readonly lines: number
  }
  /** Returns what is there already: how large it is, and when it began. */
  open(now: number): Promise<{ readonly bytes: number; readonly since: number } | undefined>
  /** Writes whole lines, each with its line break. */
  write(lines: readonly string[]): Promise<void>
  /** Begins another part. */
  rotate(now: number): Promise<void>
}

/** The beginning of another part. */
interface NextPart {
  readonly now: number
}

/**
 * Writes lines without blocking: one write at a time, each with all lines that have come meanwhile. If writing fails or is
 * too slow, lines are dropped, and a later line says how many.
 */
export class RecordingSink implements LineSink {
  readonly #target: RecordingTarget
  readonly #onError: (error: unknown) => void
  readonly #run = randomText(8)
  readonly #waiting: (string | NextPart)[] = []
  /** In characters. */
  #size = 0
  #lost = 0
  #clients = 0
  /** The part that the next line belongs to. */
  #part: { bytes: number; since: number } | undefined
  #epoch = 0
  #isOpen = false
  #isReported = false
  #writing: Promise<void> | undefined

  /** @param onError - called with the first error of the target */
  constructor(target: RecordingTarget, onError: (error: unknown) => void) {
    this.#target = target
    this.#onError = onError
  }

  join(): number {
    return ++this.#clients
  }

  ready(now: number): number {
    const { bytes, age } = this.#target.limits
    const part = this.#part
    if (!part) this.#begin(now)
    else if (part.bytes >= bytes || now - part.since >= age) {
      this.#waiting.push({ now })
      this.#begin(now)
    }
    if (this.#size < MAX_WAITING / 2) this.#tellLost()
    return this.#epoch
  }

  write(line: RecordedLine): void {
    // What comes after missing lines can be replayed only from the next checkpoint on.
    if (this.#lost > 0 || this.#size >= MAX_WAITING) {
      this.#lost++
      return
    }
    const text = `${redactedJson(line)}\n`
    this.#waiting.push(text)
    this.#size += text.length
    if (this.#part) this.#part.bytes += text.length
    this.#writing ??= this.#writeAll()
  }

  /** Reports an error, unless there was one before. */
  report(error: unknown): void {
    if (!this.#isReported) this.#onError(error)
    this.#isReported = true
  }

  /** Resolves when all lines are written, or have failed to be. */
  async flush(): Promise<void> {
    await this.#settled()
    this.#tellLost()
    await this.#settled()
  }

  async #settled(): Promise<void> {
    while (this.#writing) await this.#writing
  }

  #tellLost(): void {
    const lines = this.#lost
    if (lines === 0) return
    this.#lost = 0
    this.#epoch++
    this.write({ type: 'lost', lines })
  }

  #begin(now: number): void {
    this.#part = { bytes: 0, since: now }
    this.#epoch++
    const at = new Date(now).toISOString()
    this.write({ type: 'recording', format: FORMAT, package: PACKAGE_VERSION, run: this.#run, at })
  }

  async #writeAll(): Promise<void> {
    // The step that wrote the first line ends first.
    await Promise.resolve()
    while (this.#waiting.length > 0) {
      const next = this.#next()
      try {
        if (!this.#isOpen) await this.#open()
        await (Array.isArray(next) ? this.#target.write(next) : this.#target.rotate(next.now))
      } catch (error) {
        if (Array.isArray(next)) this.#lost += next.reduce((sum, line) => sum + countOf(line), 0)
        this.report(error)
      }
    }
    this.#writing = undefined
  }

  /** Takes the beginning of another part, or all lines up to that. */
  #next(): string[] | NextPart {
    const most = this.#waiting.slice(0, this.#target.limits.lines)
    const at = most.findIndex((each) => typeof each !== 'string')
    if (at === 0) return this.#waiting.shift() as NextPart
    const lines = this.#waiting.splice(0, at < 0 ? most.length : at) as string[]
    this.#size -= lines.reduce((sum, { length }) => sum + length, 0)
    return lines
  }

  async #open(): Promise<void> {
    const found = await this.#target.open(this.#part?.since ?? 0)
    this.#isOpen = true
    if (!found || !this.#part) return
    this.#part.bytes += found.bytes
    this.#part.since = Math.min(this.#part.since, found.since)
  }
}

/** How many lines are missing if this one is. */
function countOf(text: string): number {
  return text.startsWith('{"type":"lost"') ? (JSON.parse(text) as Lost).lines : 1
}
