import { ConnectionLostError } from '../api/errors.ts'
import type { Link } from './link.ts'

/** Publishes the birth of a connection. It never rejects. */
export type Announce = (connection: {
  readonly sessionPresent: boolean
  /** Aborts when the connection ends. */
  readonly ended: AbortSignal
}) => Promise<void>

/** Sees that the birth of each connection is published once, although the connection may become ready several times. */
export class Announcement {
  #link: Link | undefined
  #ending: AbortController | undefined

  /** @returns whether the outbox has to wait: the birth is being published, and `onOver` is called after it */
  begin(link: Link, sessionPresent: boolean, announce: Announce, onOver: () => void): boolean {
    if (this.#link === link) return this.#ending !== undefined
    const ending = new AbortController()
    this.#link = link
    this.#ending = ending
    void this.#run(announce, sessionPresent, ending, onOver)
    return true
  }

  isFor(link: Link): boolean {
    return this.#link === link
  }

  /** Whether no birth is being published. */
  get isOver(): boolean {
    return this.#ending === undefined
  }

  /** The connection ends. */
  end(): void {
    const ending = this.#ending
    this.#ending = undefined
    ending?.abort(new ConnectionLostError('the birth was published'))
  }

  async #run(announce: Announce, sessionPresent: boolean, ending: AbortController, onOver: () => void): Promise<void> {
    // The machine is in a transition. The application may send it commands.
    await Promise.resolve()
    await announce({ sessionPresent, ended: ending.signal })
    if (this.#ending !== ending) return
    this.#ending = undefined
    onOver()
  }
}
