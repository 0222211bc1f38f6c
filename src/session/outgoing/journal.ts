import type { Publication } from './publication.ts'

/**
 * Persists durable publications, so that they outlive the process. All changes of one turn of the event loop are
 * written to disk together.
 *
 * Only `accepted` can reject. An accepted publication is delivered even if the disk fails later: other write errors are
 * reported, and delay nothing.
 */
export interface Journal {
  /**
   * Resolves when the publication is on disk, after a call of `Session.stored`. Rejects if it can't be written, after a
   * call of `Session.withdraw`. The publications of a turn may share the promise. Its rejection needs no handler.
   */
  accepted(publication: Publication): Promise<void>
  /** These publications have packet ids and are about to be sent. Resolves when the ids are on disk. */
  sent(publications: readonly Publication[]): Promise<void>
  /** PUBREC arrived. PUBREL may be sent when the promise resolves; at once if there is none. */
  released(publication: Publication): Promise<void> | undefined
  /** The publication is in quarantine: the next process must not send it either. Its packet id stays on disk. */
  quarantined(publication: Publication): void
  /** The publication left the quarantine: the next process sends it again. */
  requeued(publication: Publication): void
  /** The publication is settled, and can be removed. */
  settled(publication: Publication): void
}
