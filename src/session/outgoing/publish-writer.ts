import type { Link } from '../link.ts'
import type { AckWatch } from './ack-watch.ts'
import { beyondLimits } from './limits.ts'
import type { OnWire } from './on-wire.ts'
import type { Pace } from './pace.ts'
import type { Publication } from './publication.ts'
import type { Settlement } from './settlement.ts'
import { writePublish, writePubrel } from './write-publish.ts'

export interface PublishWriterOptions {
  /** The time of the session's clock. */
  readonly time: () => number
  readonly settlement: Settlement
  readonly acks: AckWatch
  readonly onWire: OnWire
  readonly pace: Pace
  /** A publication can't be encoded. */
  readonly onNotWritten: (publication: Publication, error: unknown) => void
  /** Called before PUBREL is written. PUBREL waits for the promise that it returns, if any. */
  readonly releasing: (publication: Publication) => Promise<void> | undefined
}

/** Writes publications to a link. */
export class PublishWriter {
  readonly #options: PublishWriterOptions

  constructor(options: PublishWriterOptions) {
    this.#options = options
  }

  write(publication: Publication, link: Link): void {
    if (publication.qos > 0) this.#options.acks.sent()
    else this.#options.onWire.forgetSignOfLife()
    this.#options.pace.wrote(publication.bytes)
    const error = writePublish(link, publication, this.#options.time)
    if (error) this.#options.onNotWritten(publication, error)
  }

  /** Writes a publication that is in flight, or its PUBREL. */
  writeAgain(publication: Publication, link: Link): void {
    if (publication.phase !== 'released') return this.write(publication, link)
    this.#options.acks.sent()
    writePubrel(link, publication.packetId, this.#options.releasing(publication))
  }

  /** Settles a publication that exceeds the broker's limits. @returns whether it did */
  refuse(publication: Publication, link: Link): boolean {
    const unsupported = beyondLimits(publication, link)
    if (unsupported) this.#options.settlement.fail(publication, unsupported)
    return unsupported !== undefined
  }
}
