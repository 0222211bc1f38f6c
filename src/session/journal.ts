import type { Publication } from './publication.ts'

/**
 * Where durable publications are written down, so that they outlive the process. What is told to it in one turn of the
 * event loop goes to the disk together.
 */
export interface Journal {
  /** Resolves when the publication is on disk. */
  accepted(publication: Publication): Promise<void>
  /** Their packet ids are chosen, and they are about to be sent. Resolves when that is on disk. */
  sent(publications: readonly Publication[]): Promise<void>
  /** PUBREC came. Resolves when that is on disk; only then may PUBREL go out. */
  released(publication: Publication): Promise<void>
  /** It is done, and can be forgotten. */
  settled(publication: Publication): void
}
