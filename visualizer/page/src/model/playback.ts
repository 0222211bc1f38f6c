import type { RecordingInfo } from '../../../protocol.ts'
import { troublesOf, type Trouble } from './outages.ts'
import { type Happened, Rewinder, type Track } from './rewinder.ts'
import type { Actor } from './types.ts'

/** How many times faster than it happened. */
export const speeds = [1, 10, 60, 600] as const
export type Speed = (typeof speeds)[number]

/** A browser that was busy, or showed another tab, must not skip what nobody has seen. In milliseconds. */
const LONGEST_TICK = 250

/** Plays a recording: which moment the page shows, and how fast it moves. All times are in milliseconds since 1970. */
export class Playback {
  readonly info: RecordingInfo
  readonly #onChange: () => void
  readonly #rewinder: Rewinder
  readonly #troubles = new Map<Actor | null, readonly Trouble[]>()
  #time: number
  #speed: Speed = 1
  #isPlaying = false

  /**
   * @param store - which has all of the recording
   * @param onChange - called when the page has to show something else
   */
  constructor(store: Happened, info: RecordingInfo, onChange: () => void) {
    this.info = info
    this.#onChange = onChange
    this.#rewinder = new Rewinder(store)
    this.#time = info.from
    this.#rewinder.show(this.#time)
  }

  /** The moment that the page shows. */
  get time(): number {
    return this.#time
  }

  get speed(): Speed {
    return this.#speed
  }

  get isPlaying(): boolean {
    return this.#isPlaying
  }

  get tracks(): readonly Track[] {
    return this.#rewinder.tracks
  }

  /** The outages of a connection, or of all together. */
  troubles(actor: Actor | null): readonly Trouble[] {
    const known = this.#troubles.get(actor)
    if (known) return known
    const tracks = actor ? this.tracks.filter((track) => track.actor === actor) : this.tracks
    const { from, until } = this.info
    const troubles = troublesOf(tracks, until).filter(({ start, end }) => end >= from && start <= until)
    this.#troubles.set(actor, troubles)
    return troubles
  }

  /** Shows another moment. */
  seek(time: number): void {
    const { from, until } = this.info
    const next = Math.max(from, Math.min(until, time))
    if (next === this.#time) return
    this.#time = next
    this.#rewinder.show(next)
    this.#onChange()
  }

  /** Plays from the moment that is shown; from the beginning if that is the end. */
  play(): void {
    const { from, until } = this.info
    if (this.#isPlaying || from === until) return
    this.#isPlaying = true
    if (this.#time === until) this.seek(from)
    this.#onChange()
  }

  pause(): void {
    if (!this.#isPlaying) return
    this.#isPlaying = false
    this.#onChange()
  }

  setSpeed(speed: Speed): void {
    this.#speed = speed
    this.#onChange()
  }

  /** Plays on. @param elapsed - the time that has passed for the reader, in milliseconds */
  advance(elapsed: number): void {
    if (!this.#isPlaying) return
    this.seek(this.#time + Math.max(0, Math.min(LONGEST_TICK, elapsed)) * this.#speed)
    if (this.#time >= this.info.until) this.pause()
  }

  /** Goes to the beginning of the next outage of a connection, or of any; -1 goes back. @returns whether there is one */
  toOutage(direction: 1 | -1, actor: Actor | null): boolean {
    const target = this.outageFrom(direction, actor)
    if (target) this.seek(target.start)
    return target !== undefined
  }

  outageFrom(direction: 1 | -1, actor: Actor | null): Trouble | undefined {
    const troubles = this.troubles(actor)
    return direction > 0
      ? troubles.find(({ start }) => start > this.#time)
      : troubles.findLast(({ start }) => start < this.#time)
  }

  /** Goes to the next step of a connection, or of any; -1 goes back. */
  toStep(direction: 1 | -1, actor: Actor | null): void {
    const { before, after } = this.#rewinder.neighbours(this.#time, actor)
    const target = direction > 0 ? after : before
    if (target !== null) this.seek(target)
  }
}
