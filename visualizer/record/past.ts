import type { Stay } from './recorded.ts'

/** How many states are kept for one actor. */
const MAX_STAYS = 500

/** The states that one actor had, oldest first. Of a long time, only outages and what was between them is kept. */
export class Past {
  #stays: Stay[] = []

  get stays(): readonly Stay[] {
    return this.#stays
  }

  enter(stay: Stay): void {
    // After a reconnect, an app reports the current state of an actor first, and what led to it later.
    const place = this.#stays.findLastIndex(({ at }) => at <= stay.at)
    if (isSame(this.#stays[place], stay)) return
    this.#stays.splice(place + 1, isSame(this.#stays[place + 1], stay) ? 1 : 0, stay)
    if (this.#stays.length > MAX_STAYS) this.#shorten()
  }

  /** In the older half, the attempts within an outage are left out. If that is not enough, the oldest states go. */
  #shorten(): void {
    const half = MAX_STAYS / 2
    const older = this.#stays.slice(0, half)
    const outages = older.filter(({ family }, index) => {
      const before = older[index - 1]
      return !before || (family === 'online') !== (before.family === 'online') || family === 'failed'
    })
    const most = half / 2
    this.#stays = [...outages.slice(-most), ...this.#stays.slice(half)]
  }
}

function isSame(known: Stay | undefined, { state, family }: Stay): boolean {
  return known?.state === state && known.family === family
}
