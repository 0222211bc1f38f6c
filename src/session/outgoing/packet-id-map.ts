/** The smallest number of slots. A power of two, as all of them are. */
const FEWEST = 8

/**
 * A map from packet identifiers. They are allocated in a cycle, so those that are in use together lie close to each other,
 * and the last bits of each are its slot. If two need the same slot, there are twice as many from then on.
 *
 * A `Map` would cost more: it replaces its table again and again while entries come and go. Replaced tables refer to
 * their successors, and one that V8 has moved to its old generation keeps alive all that came after it. Of 400
 * publishes in flight, nearly all that were acknowledged survived the next minor garbage collections.
 */
export class PacketIdMap<Value> {
  #ids: number[] = []
  #values: (Value | undefined)[] = []
  #size = 0

  get size(): number {
    return this.#size
  }

  has(packetId: number): boolean {
    return packetId !== 0 && this.#ids[this.#slotOf(packetId)] === packetId
  }

  get(packetId: number): Value | undefined {
    return this.has(packetId) ? this.#values[this.#slotOf(packetId)] : undefined
  }

  set(packetId: number, value: Value): void {
    if (this.#ids.length === 0) this.#resize(FEWEST)
    for (;;) {
      const slot = this.#slotOf(packetId)
      const there = this.#ids[slot]
      if (there === 0 || there === packetId) {
        if (there === 0) this.#size++
        this.#ids[slot] = packetId
        this.#values[slot] = value
        return
      }
      this.#resize(this.#ids.length * 2)
    }
  }

  /** @returns whether it was there */
  delete(packetId: number): boolean {
    if (!this.has(packetId)) return false
    const slot = this.#slotOf(packetId)
    this.#ids[slot] = 0
    this.#values[slot] = undefined
    this.#size--
    // One identifier that stays in use for long makes the map large.
    if (this.#size === 0 && this.#ids.length > 1_024) this.clear()
    return true
  }

  clear(): void {
    this.#ids = []
    this.#values = []
    this.#size = 0
  }

  #slotOf(packetId: number): number {
    return packetId & (this.#ids.length - 1)
  }

  /** With twice as many slots, entries that had slots of their own still do. */
  #resize(slots: number): void {
    const [ids, values] = [this.#ids, this.#values]
    this.#ids = []
    this.#values = []
    // `Array.from` with a function takes ten times as long.
    for (let slot = 0; slot < slots; slot++) {
      this.#ids.push(0)
      this.#values.push(undefined)
    }
    for (let index = 0; index < ids.length; index++) {
      const packetId = ids[index] as number
      if (packetId === 0) continue
      const slot = this.#slotOf(packetId)
      this.#ids[slot] = packetId
      this.#values[slot] = values[index]
    }
  }
}
