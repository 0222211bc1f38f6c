import { ClassicLevel } from 'classic-level'
import { MemoryLevel } from 'memory-level'
import { onTestFinished } from 'vitest'

import type { Operation } from '../../src/api/level-database.ts'
import type { LevelDatabase, ResilientMqttClientOptions } from '../../src/index.ts'
import type { Publication, PublicationInit } from '../../src/session/outgoing/publication.ts'
import { realClock } from '../../src/shared/clock.ts'
import { LevelJournal, type LevelJournalOptions } from '../../src/store/level-journal.ts'
import {
  decodeHandshake,
  decodeKey,
  decodePublication,
  encodePublication,
  handshakeKey,
  publicationKey,
  unseal,
} from '../../src/store/records.ts'
import { durablePublication } from '../support/publication.ts'
import { atOnce, startClient } from '../support/recorded-client.ts'

const views = { keyEncoding: 'view', valueEncoding: 'view' } as const

/** A database in memory that records its batches. A test can delay them or make them fail. */
export class SpiedDatabase implements LevelDatabase {
  readonly batches: { readonly operations: readonly Operation[]; readonly sync: boolean }[] = []
  /** The promise that the next writes wait for. */
  gate: Promise<void> = Promise.resolve()
  /** The error of the next writes. */
  failure: Error | undefined
  /** Whether writes without a sync are lost, as after a power cut. */
  dropUnsynced = false
  readonly #told: (() => void)[] = []
  readonly #level: MemoryLevel<Uint8Array, Uint8Array>

  constructor(level = new MemoryLevel<Uint8Array, Uint8Array>(views)) {
    this.#level = level
  }

  /** The same data, as another process would find it. */
  reopened(): SpiedDatabase {
    return new SpiedDatabase(this.#level)
  }

  /** Changes the contents from outside: values by their keys in hexadecimal digits. */
  async tamper(change: (values: Map<string, Uint8Array>) => void): Promise<void> {
    const values = new Map<string, Uint8Array>()
    for await (const [key, value] of this.iterator()) {
      values.set(Buffer.from(key).toString('hex'), Uint8Array.from(value))
    }
    change(values)
    await this.#level.clear()
    for (const [key, value] of values) await this.#level.put(Buffer.from(key, 'hex'), value, views)
  }

  /** Fills it like a version before checksums; the first publication is sent. */
  async writeFormat1(
    publications: readonly (readonly [topic: string, init: Partial<PublicationInit>])[],
  ): Promise<void> {
    await this.open()
    const header = Buffer.concat([Buffer.from('xstate-mqtt outbox\0\u0001\u000b'), Buffer.from('of format 1')])
    await this.#level.put(Uint8Array.of(0), header, views)
    await this.#level.put(handshakeKey(1), Uint8Array.of(1, 40_000 >> 8, 40_000 & 0xff), views)
    for (const [at, [topic, init]] of publications.entries()) {
      await this.#level.put(
        publicationKey(at + 1),
        encodePublication(durablePublication(topic, init)).slice(0, -4),
        views,
      )
    }
  }

  /** Resolves when the next write begins. */
  next(): Promise<void> {
    return new Promise((resolve) => this.#told.push(resolve))
  }

  open(): Promise<void> {
    return this.#level.open()
  }

  iterator(): AsyncIterable<[Uint8Array, Uint8Array]> {
    return this.#level.iterator(views)
  }

  async batch(operations: Operation[], { sync }: { readonly sync: boolean }): Promise<void> {
    this.batches.push({ operations, sync })
    for (const tell of this.#told.splice(0)) tell()
    await this.gate
    if (this.failure) throw this.failure
    if (this.dropUnsynced && !sync) return
    await this.#level.batch(operations, views)
  }
}

/** The records of a store without its header, one per line. */
export async function contentsOf(database: LevelDatabase): Promise<string[]> {
  const lines: string[] = []
  for await (const [key, value] of database.iterator(views)) {
    const decoded = decodeKey(key)
    if (decoded?.kind === 'publication') {
      const { topic, payload } = decodePublication(unseal(key, value).body)
      lines.push(`${topic} ${Buffer.from(payload).toString()}`)
    } else if (decoded?.kind === 'handshake') {
      const { phase, packetId } = decodeHandshake(unseal(key, value).body)
      lines.push(`${phase} ${packetId}`)
    } else if (decoded?.kind === 'quarantine') lines.push('quarantined')
  }
  return lines
}

/** The records of a store in a folder. It must not be open. */
export async function contentsAt(path: string): Promise<string[]> {
  const database = new ClassicLevel<Uint8Array, Uint8Array>(path, views)
  const contents = await contentsOf(database)
  await database.close()
  return contents
}

/** A journal, and all its reports. It is closed after the test. */
export function journalOn(store: LevelJournalOptions['store'], clock: LevelJournalOptions['clock'] = realClock) {
  const created = createJournal(store, clock)
  onTestFinished(() => created.journal.close())
  return created
}

/** The same, but the test closes it. It reads at once whatever waits. */
export function createJournal(store: LevelJournalOptions['store'], clock: LevelJournalOptions['clock'] = realClock) {
  const told: string[] = []
  const restored: { [List in 'waiting' | 'inFlight' | 'quarantined']: readonly Publication[] }[] = []
  const journal = new LevelJournal({
    store,
    clock,
    window: { messages: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY },
    generateClientId: () => 'generated',
    onRestored: (waiting, inFlight, quarantined) => void restored.push({ waiting, inFlight, quarantined }),
    onStored: () => {},
    onRefused: (refused, error) => void told.push(`refused ${refused.topic}: ${error.problem}`),
    onError: (error) => void told.push(`error: ${error.problem}`),
  })
  return { journal, told, restored }
}

/** A client with a store: it keeps its session, and reconnects at once. It is disposed after the test. */
export function startDurableClient(options: ResilientMqttClientOptions) {
  const started = startClient({
    ...atOnce,
    options: { clean: false },
    timeouts: { disconnectTimeout: 100 },
    ...options,
  })
  const errors: unknown[] = []
  started.client.on('error', ({ error }) => void errors.push(error))
  return { ...started, errors }
}
