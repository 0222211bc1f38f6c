/** How many sequence numbers share a page. */
const PAGE = 512

const ABSENT = 0

/** The state of a publication in a store. */
export const WAITING = 1
/** Another publication is to take its place, once that is on disk. */
export const HELD = 2
/** It no longer counts, and its record will be removed. */
export const LEAVING = 3
/** It has no checksum, as in format 1, or a wrong one. */
export const UNSEALED = 4
export const DAMAGED = 5

export type PublicationState = typeof WAITING | typeof HELD | typeof LEAVING | typeof UNSEALED | typeof DAMAGED

/** What is known of a publication without reading it. */
export interface IndexedPublication {
  readonly checksum: number
  /** The bytes of its topic and payload. */
  readonly bytes: number
  /** In milliseconds since 1970; `Infinity` if never. */
  readonly expiresAt: number
  readonly latest: string | undefined
}

/** What the publications in one state amount to. */
export interface Total {
  readonly count: number
  /** The bytes of their topics and payloads. */
  readonly bytes: number
  /** The sum of their checksums, modulo 2³². */
  readonly checksums: number
}

const MODULUS = 2 ** 32

class RunningTotal implements Total {
  count = 0
  bytes = 0
  checksums = 0

  add(bytes: number, checksum: number): void {
    this.count++
    this.bytes += bytes
    this.checksums = (this.checksums + checksum) % MODULUS
  }

  subtract(bytes: number, checksum: number): void {
    this.count--
    this.bytes -= bytes
    this.checksums = (this.checksums - checksum + MODULUS) % MODULUS
  }
}

class Page {
  readonly states = new Uint8Array(PAGE)
  readonly checksums = new Uint32Array(PAGE)
  readonly bytes = new Uint32Array(PAGE)
  readonly expiries = new Float64Array(PAGE)
  versions: Float64Array | undefined
  count = 0
}

/**
 * The publications in a store by their sequence number, in 20 bytes each: a million of them must not fill the memory.
 * Publications with a `latest` key need more. Totals are kept, because a loop over a million would block the event loop.
 */
export class PublicationIndex {
  readonly #pages = new Map<number, Page>()
  readonly #latest = new Map<number, string>()
  /** The numbers of the pages, in order. */
  #order: number[] | undefined
  /** By state, at `state - 1`. */
  readonly #totals = Array.from({ length: DAMAGED }, () => new RunningTotal())
  #size = 0
  #earliestExpiry = Number.POSITIVE_INFINITY

  get size(): number {
    return this.#size
  }

  /** No publication expires before this time. */
  get earliestExpiry(): number {
    return this.#earliestExpiry
  }

  totalOf(state: PublicationState): Total {
    return this.#totals[state - 1] as RunningTotal
  }

  /** The `latest` keys by sequence number, in no particular order. */
  get latestKeys(): ReadonlyMap<number, string> {
    return this.#latest
  }

  has(sequence: number): boolean {
    return this.stateOf(sequence) !== undefined
  }

  stateOf(sequence: number): PublicationState | undefined {
    const state = this.#pageOf(sequence)?.states[sequence % PAGE] ?? ABSENT
    return state === ABSENT ? undefined : (state as PublicationState)
  }

  get(sequence: number): IndexedPublication {
    const page = this.#pageOf(sequence)
    const at = sequence % PAGE
    return {
      checksum: page?.checksums[at] ?? 0,
      bytes: page?.bytes[at] ?? 0,
      expiresAt: page?.expiries[at] ?? 0,
      latest: this.#latest.get(sequence),
    }
  }

  /** Of two versions of a publication, the one with the higher number counts, even if it is absent. */
  isNewer(sequence: number, version: number): boolean {
    const page = this.#createPage(sequence)
    page.versions ??= new Float64Array(PAGE).fill(-1)
    const at = sequence % PAGE
    if (version <= (page.versions[at] as number)) return false
    page.versions[at] = version
    return true
  }

  set(sequence: number, state: PublicationState, publication: IndexedPublication): void {
    const page = this.#createPage(sequence)
    const at = sequence % PAGE
    this.#uncount(page, at)
    page.checksums[at] = publication.checksum
    page.bytes[at] = publication.bytes
    page.expiries[at] = publication.expiresAt
    // A damaged one never expires.
    if (state !== DAMAGED && publication.expiresAt < this.#earliestExpiry) this.#earliestExpiry = publication.expiresAt
    this.#count(page, at, state)
    if (publication.latest !== undefined) this.#latest.set(sequence, publication.latest)
    else if (this.#latest.size > 0) this.#latest.delete(sequence)
  }

  setState(sequence: number, state: PublicationState): void {
    const page = this.#pageOf(sequence)
    const at = sequence % PAGE
    if (!page || page.states[at] === ABSENT) return
    this.#uncount(page, at)
    this.#count(page, at, state)
  }

  delete(sequence: number): void {
    const page = this.#pageOf(sequence)
    const at = sequence % PAGE
    if (!page || page.states[at] === ABSENT) return
    this.#uncount(page, at)
    this.#latest.delete(sequence)
    if (page.count === 0 && !page.versions) this.#dropPage(Math.floor(sequence / PAGE))
  }

  /** Drops what is only needed while versions of a publication are found. */
  complete(): void {
    for (const [number, page] of this.#pages) {
      page.versions = undefined
      if (page.count === 0) this.#dropPage(number)
    }
  }

  /** The sequence numbers, in order. */
  *sequences(): Iterable<number> {
    for (const { number, page } of this.#inOrder()) {
      for (let at = 0; at < PAGE; at++) if (page.states[at] !== ABSENT) yield number * PAGE + at
    }
  }

  /**
   * Compares this index with what a store really has.
   *
   * @returns `unknown`: what is only in the store, or with another checksum; `missing`: how many the store lacks
   */
  compareWith(found: PublicationIndex): { readonly unknown: readonly number[]; readonly missing: number } {
    const unknown: number[] = []
    let known = 0
    for (const { number, page } of found.#inOrder()) {
      const own = this.#pages.get(number)
      for (let at = 0; at < PAGE; at++) {
        const state = page.states[at]
        if (state === ABSENT) continue
        const isSame = state === WAITING && own?.states[at] !== ABSENT && own?.checksums[at] === page.checksums[at]
        if (isSame) known++
        else unknown.push(number * PAGE + at)
      }
    }
    return { unknown, missing: this.#size - known }
  }

  /** The next publication in one of the states, from this sequence number on. */
  next(from: number, isWanted: (state: PublicationState) => boolean): number | undefined {
    for (const { number, page } of this.#inOrder(positionIn(this.#sorted(), Math.floor(from / PAGE)))) {
      for (let at = Math.max(0, from - number * PAGE); at < PAGE; at++) {
        const state = page.states[at] as number
        if (state !== ABSENT && isWanted(state as PublicationState)) return number * PAGE + at
      }
    }
    return undefined
  }

  /** The last publication in one of the states. */
  last(isWanted: (state: PublicationState) => boolean): number | undefined {
    const order = this.#sorted()
    for (let nth = order.length - 1; nth >= 0; nth--) {
      const number = order[nth] as number
      const { states } = this.#pages.get(number) as Page
      for (let at = PAGE - 1; at >= 0; at--) {
        const state = states[at] as number
        if (state !== ABSENT && isWanted(state as PublicationState)) return number * PAGE + at
      }
    }
    return undefined
  }

  /** The waiting publications that expire until a time, at most so many, and when the first of the others expires. */
  expiring(until: number, most: number): { readonly due: readonly number[]; readonly next: number } {
    const due: number[] = []
    let next = Number.POSITIVE_INFINITY
    for (const { number, page } of this.#inOrder()) {
      for (let at = 0; at < PAGE; at++) {
        if (page.states[at] !== WAITING) continue
        const expiry = page.expiries[at] as number
        if (expiry <= until && due.length < most) due.push(number * PAGE + at)
        else if (expiry < next) next = expiry
      }
    }
    return { due, next }
  }

  #count(page: Page, at: number, state: PublicationState): void {
    page.states[at] = state
    page.count++
    this.#size++
    this.#totals[state - 1]?.add(page.bytes[at] as number, page.checksums[at] as number)
  }

  #uncount(page: Page, at: number): void {
    const state = page.states[at] as number
    if (state === ABSENT) return
    page.states[at] = ABSENT
    page.count--
    this.#size--
    this.#totals[state - 1]?.subtract(page.bytes[at] as number, page.checksums[at] as number)
  }

  #pageOf(sequence: number): Page | undefined {
    return this.#pages.get(Math.floor(sequence / PAGE))
  }

  #createPage(sequence: number): Page {
    const number = Math.floor(sequence / PAGE)
    let page = this.#pages.get(number)
    if (!page) {
      page = new Page()
      this.#pages.set(number, page)
      this.#order = undefined
    }
    return page
  }

  #dropPage(number: number): void {
    this.#pages.delete(number)
    this.#order = undefined
  }

  *#inOrder(from = 0): Iterable<{ readonly number: number; readonly page: Page }> {
    const order = this.#sorted()
    for (let nth = from; nth < order.length; nth++) {
      const number = order[nth] as number
      const page = this.#pages.get(number)
      if (page) yield { number, page }
    }
  }

  #sorted(): readonly number[] {
    this.#order ??= [...this.#pages.keys()].toSorted((a, b) => a - b)
    return this.#order
  }
}

/** The position of the first number that is not below this one. */
function positionIn(sorted: readonly number[], number: number): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((sorted[middle] as number) < number) low = middle + 1
    else high = middle
  }
  return low
}
