import type { Qos } from '../../src/api/message.ts'

interface Sent {
  state: 'pending' | 'acknowledged' | 'rejected'
}

interface Receipt {
  /** The ledger's epoch in which the message was first received. */
  epoch: number
}

/** The messages of one stream that one subscriber received. */
interface Inbox {
  readonly receipts: Map<number, Receipt>
  highest: number
  duplicates: number
  /** Duplicates that the broker caused by losing its sessions. */
  excused: number
  outOfOrder: number
}

/** The messages of one publisher with one QoS. They are numbered, so that each lost message is noticed. */
export class Stream {
  readonly topic: string
  readonly qos: Qos
  readonly sent = new Map<number, Sent>()
  readonly inboxes = new Map<string, Inbox>()
  /** How many publishes were rejected, by reason. */
  readonly rejections = new Map<string, number>()
  /** How many publishes were not accepted, by reason. */
  readonly refusals = new Map<string, number>()
  #last = 0

  constructor(topic: string, qos: Qos, subscribers: readonly string[]) {
    this.topic = topic
    this.qos = qos
    for (const name of subscribers) {
      this.inboxes.set(name, { receipts: new Map(), highest: 0, duplicates: 0, excused: 0, outOfOrder: 0 })
    }
  }

  /** Returns the number of the next message. */
  next(): number {
    return ++this.#last
  }

  accepted(n: number): void {
    this.sent.set(n, { state: 'pending' })
  }

  acknowledged(n: number): void {
    this.#settle(n, 'acknowledged')
  }

  rejected(n: number, reason: string): void {
    this.#settle(n, 'rejected')
    countUp(this.rejections, reason)
  }

  /** Records that a message was rejected before it was accepted, so it need not arrive. */
  refused(n: number, reason: string): void {
    this.sent.delete(n)
    countUp(this.refusals, reason)
  }

  received(subscriber: string, n: number, epoch: number): void {
    const inbox = this.inboxes.get(subscriber)
    if (!inbox) return
    const before = inbox.receipts.get(n)
    if (before) {
      if (before.epoch === epoch) inbox.duplicates++
      else inbox.excused++
      return
    }
    inbox.receipts.set(n, { epoch })
    if (n < inbox.highest) inbox.outOfOrder++
    inbox.highest = Math.max(inbox.highest, n)
  }

  get pending(): number {
    return this.#count('pending')
  }

  /** Whether all subscribers have received all messages that the broker acknowledged. */
  get arrived(): boolean {
    return this.missing(({ state }) => state === 'acknowledged').length === 0
  }

  /** The messages of a kind that at least one subscriber has not received. */
  missing(kind: (sent: Sent) => boolean): number[] {
    const inboxes = [...this.inboxes.values()]
    return [...this.sent]
      .filter(([n, sent]) => kind(sent) && inboxes.some(({ receipts }) => !receipts.has(n)))
      .map(([n]) => n)
  }

  #settle(n: number, state: Sent['state']): void {
    const sent = this.sent.get(n)
    if (sent?.state === 'pending') sent.state = state
  }

  #count(state: Sent['state']): number {
    let count = 0
    for (const sent of this.sent.values()) if (sent.state === state) count++
    return count
  }
}

/** All streams of a run, and their summary. */
export class Ledger {
  readonly streams: Stream[] = []
  /** Counts up each time the broker's sessions are deleted. */
  epoch = 0

  add(topic: string, qos: Qos, subscribers: readonly string[]): Stream {
    const stream = new Stream(topic, qos, subscribers)
    this.streams.push(stream)
    return stream
  }

  received(subscriber: string, topic: string, payload: Uint8Array): void {
    const n = numberOf(payload)
    this.streams.find((stream) => stream.topic === topic)?.received(subscriber, n, this.epoch)
  }

  /** The streams with QoS 1 and 2. */
  get reliable(): Stream[] {
    return this.streams.filter(({ qos }) => qos > 0)
  }

  summary() {
    const { streams, reliable } = this
    const inboxes = (qos: Qos) => streams.filter((s) => s.qos === qos).flatMap((s) => [...s.inboxes.values()])
    const best = streams.filter(({ qos }) => qos === 0)
    const accepted = sum(reliable, ({ sent }) => sent.size)
    // A rejected message counts as lost although the app got an error, because it had been accepted.
    const lost = sum(reliable, (stream) => stream.missing(({ state }) => state !== 'pending').length)
    const unsettled = sum(streams, (stream) => stream.pending)
    return {
      accepted,
      delivered: accepted - sum(reliable, (stream) => stream.missing(() => true).length),
      lost,
      duplicatesQos1: sum(inboxes(1), ({ duplicates, excused }) => duplicates + excused),
      duplicatesQos2: sum(inboxes(2), ({ duplicates }) => duplicates),
      duplicatesQos2AfterSessionLoss: sum(inboxes(2), ({ excused }) => excused),
      outOfOrder: sum(streams, ({ inboxes: each }) => sum([...each.values()], ({ outOfOrder }) => outOfOrder)),
      unsettled,
      acceptedQos0: sum(best, ({ sent }) => sent.size),
      lostQos0: sum(best, (stream) => stream.missing(() => true).length),
      rejections: byQos(streams, ({ rejections }) => rejections),
      refused: sum(streams, ({ refusals }) => sum([...refusals.values()], (count) => count)),
      refusals: byQos(streams, ({ refusals }) => refusals),
      /** Topics to which no message was accepted. */
      silent: reliable.filter(({ sent }) => sent.size === 0).map(({ topic }) => topic),
    }
  }
}

/** A payload: the number of the message and some padding, so that a packet can be cut in the middle. */
export function payloadOf(n: number, padding: number): string {
  return `${n} ${'x'.repeat(padding)}`
}

/** The name of the reason for which a publish was rejected. */
export function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : String(error)
}

function numberOf(payload: Uint8Array): number {
  return Number.parseInt(new TextDecoder().decode(payload), 10)
}

function byQos(
  streams: readonly Stream[],
  reasonsOf: (stream: Stream) => ReadonlyMap<string, number>,
): Record<string, number> {
  const all: Record<string, number> = {}
  for (const stream of streams) {
    for (const [reason, count] of reasonsOf(stream)) {
      const key = `QoS ${stream.qos}: ${reason}`
      all[key] = (all[key] ?? 0) + count
    }
  }
  return all
}

function countUp(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0)
}
