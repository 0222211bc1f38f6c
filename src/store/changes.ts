import type { StoreError } from '../api/errors.ts'
import type { Publication } from '../session/outgoing/publication.ts'
import type { Change } from './batch.ts'
import type { Entries, Entry } from './entries.ts'
import { encodedPayload, encodePublication } from './records.ts'

/** Is told whether a publication is accepted. */
export interface AcceptanceEvents {
  readonly onStored: (publication: Publication) => void
  readonly onRefused: (publication: Publication, error: StoreError) => void
}

// The changes that each publication causes are classes: they cost less than closures.

/** Adds a publication. */
export class Acceptance implements Change {
  readonly #entries: Entries
  readonly #entry: Entry
  readonly #events: AcceptanceEvents
  #encoded: Uint8Array | undefined

  /** @throws {TypeError} if the publication can't be encoded */
  constructor(publication: Publication, entries: Entries, events: AcceptanceEvents) {
    this.#encoded = encoding(publication)
    this.#entry = entries.create(publication)
    this.#entries = entries
    this.#events = events
  }

  apply(): void {
    if (this.#encoded) this.#entries.add(this.#entry, this.#encoded)
    this.#encoded = undefined
  }

  written(): void {
    const { publication, sequence } = this.#entry
    publication.storeId = sequence
    this.#events.onStored(publication)
  }

  failed(error: StoreError): void {
    this.#entries.remove(this.#entry)
    this.#events.onRefused(this.#entry.publication, error)
  }
}

/** Removes a publication that is settled. */
export class Removal implements Change {
  readonly #entries: Entries
  readonly #entry: Entry

  constructor(entry: Entry, entries: Entries) {
    this.#entries = entries
    this.#entry = entry
  }

  apply(): void {
    this.#entries.remove(this.#entry)
  }
}

/**
 * Encodes a publication. Its payload becomes a view of the encoded copy, which is written and sent. @throws {TypeError}
 */
function encoding(publication: Publication): Uint8Array {
  const encoded = encodePublication(publication)
  const { payload } = publication
  if (typeof payload !== 'string') publication.payload = encodedPayload(encoded, payload.byteLength)
  return encoded
}
