import type { Publication } from './publication.ts'

/** The publications of a birth that have to wait, in order. They never outlive their connection. */
export class BirthQueue {
  readonly #waiting: Publication[] = []

  add(publication: Publication): void {
    this.#waiting.push(publication)
  }

  peek(): Publication | undefined {
    return this.#waiting[0]
  }

  shift(): void {
    this.#waiting.shift()
  }

  /** Rejects a publication that waits. @returns whether it did */
  abort(publication: Publication, reason: unknown): boolean {
    const at = this.#waiting.indexOf(publication)
    if (at === -1) return false
    this.#waiting.splice(at, 1)
    publication.phase = 'settled'
    publication.reject(reason)
    return true
  }
}
