import type { Publication } from './publication.ts'

/**
 * Where durable publications are written down, so that they outlive the process. What is told to it in one turn of the
 * event loop goes to the disk together.
 *
 * Only `accepted` can reject. What is accepted is delivered also when the disk fails later: whatever else can't be
 * written is reported, and holds nothing up.
 */
export interface Journal {
  /** Resolves when the publication is on disk. Rejects if it can't be written; `Session.withdraw` was called before. */
  accepted(publication: Publication): Promise<void>
  /** Their packet ids are chosen, and they are about to be sent. Resolves when that is on disk. */
  sent(publications: readonly Publication[]): Promise<void>
  /** PUBREC came. Resolves when that is on disk, and is `undefined` if it is; only then may PUBREL go out. */
  released(publication: Publication): Promise<void> | undefined
  /** It is set aside: the next process is not to send it either. Its packet id stays written down. */
  quarantined(publication: Publication): void
  /** It is no longer set aside: the next process sends it again. */
  requeued(publication: Publication): void
  /** It is done, and can be forgotten. */
  settled(publication: Publication): void
}
