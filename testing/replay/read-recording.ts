import { fromJson } from '../../machines/config.ts'
import type { Failure } from '../../machines/failure.ts'
import type {
  Broken,
  Checkpoint,
  Header,
  Lost,
  RecordedEvent,
  RecordedLine,
  Step,
  Stopped,
} from '../../src/recorder/format.ts'
import { FORMAT } from '../../src/recorder/format.ts'

/** What one client recorded. */
export interface Recording {
  /** The option `name` of the client, or `client 1`. */
  readonly client: string
  readonly header: Header
  /** It begins with a checkpoint. */
  readonly lines: readonly ClientLine[]
}

/** A line about one client; `gap` stands for lines that are missing. */
export type ClientLine = Checkpoint | Step | Broken | Stopped | { readonly type: 'gap'; readonly lines: number }

/** The recordings in a text, and what of it was not used. */
export interface ReadRecordings {
  readonly recordings: readonly Recording[]
  /** How many lines could not be read, such as a torn last one. */
  readonly unreadable: number
}

/** The text is not a recording, or a later version has written it. */
export class RecordingError extends Error {
  override readonly name = 'RecordingError'
}

/**
 * Reads the recordings of all clients, in the order of their first lines. Lines that are torn are skipped. What precedes the
 * first checkpoint of a client, whose file was deleted, is left out.
 *
 * @param text - of one file, or of several that follow each other
 * @throws {RecordingError}
 */
export function readRecordings(text: string): ReadRecordings {
  const reader = new RecordingReader()
  for (const line of text.split('\n')) reader.add(line)
  return reader.end()
}

/** As `readRecordings`, line by line: a text cannot be larger than half a gigabyte. */
export class RecordingReader {
  readonly #recordings = new Map<string, Recording & { readonly lines: ClientLine[] }>()
  #header: Header | undefined
  #unreadable = 0

  /** @throws {RecordingError} if a later version has written it */
  add(text: string): void {
    if (text.trim() === '') return
    const line = parse(text)
    if (line?.type === 'recording') this.#header = checked(line)
    const header = this.#header
    if (!line || !header) this.#unreadable++
    else if (line.type === 'lost') this.#addGap(header, line)
    else if (line.type !== 'recording') this.#addLine(header, line)
  }

  /** @throws {RecordingError} if there was no line of a recording */
  end(): ReadRecordings {
    if (this.#recordings.size === 0) throw new RecordingError('it has no line of a recording')
    return { recordings: [...this.#recordings.values()], unreadable: this.#unreadable }
  }

  #addGap({ run }: Header, { lines: missing }: Lost): void {
    for (const { header, lines } of this.#recordings.values()) {
      if (header.run === run) lines.push({ type: 'gap', lines: missing })
    }
  }

  #addLine(header: Header, line: Checkpoint | Step | Broken | Stopped): void {
    const key = `${header.run}/${line.client}`
    const known = this.#recordings.get(key)
    if (known) known.lines.push(line)
    else if (line.type === 'checkpoint') {
      this.#recordings.set(key, { client: line.name ?? `client ${line.client}`, header, lines: [line] })
    }
  }
}

function parse(text: string): RecordedLine | undefined {
  try {
    const line = JSON.parse(text) as RecordedLine | null
    if (typeof line?.type !== 'string' || !isWhole(line)) return undefined
    return line.type === 'checkpoint' ? { ...line, config: fromJson(line.config) } : line
  } catch {
    return undefined
  }
}

/** The latest time that a `Date` takes, in milliseconds since 1970. */
const LATEST_DATE = 8_640_000_000_000_000

/** Whether a line has what a replay needs, at least. Somebody may have edited the file. */
function isWhole(line: RecordedLine): boolean {
  switch (line.type) {
    case 'recording':
      return typeof line.format === 'number' && typeof line.run === 'string' && typeof line.package === 'string'
    case 'checkpoint':
      return (
        isTimed(line) &&
        typeof line.state === 'string' &&
        Math.abs(line.now) <= LATEST_DATE &&
        [line.config, line.config?.reconnect, line.config?.recovery, line.config?.timeouts, line.context].every(
          isObject,
        ) &&
        areObjects(line.timers) &&
        Array.isArray(line.actors)
      )
    case 'step':
      return (
        isTimed(line) &&
        typeof line.state === 'string' &&
        (line.event === undefined ? typeof line.timer === 'string' : isEvent(line.event)) &&
        areObjects(line.does ?? [])
      )
    case 'broken':
      return isTimed(line) && isEvent(line.event)
    case 'stopped':
      return isTimed(line)
    case 'lost':
      return typeof line.lines === 'number'
    // A later version may have more of them.
    default:
      return false
  }
}

function isTimed(line: { readonly client: unknown; readonly t: unknown }): boolean {
  return typeof line.client === 'number' && Number.isFinite(line.t)
}

function isEvent(event: RecordedEvent | null): boolean {
  if (typeof event?.type !== 'string') return false
  const { failure } = event as { readonly failure?: Partial<Failure> | null }
  return event.type === 'transport.failed' ? typeof failure?.kind === 'string' : true
}

function areObjects(values: unknown): boolean {
  return Array.isArray(values) && values.every(isObject)
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null
}

function checked(header: Header): Header {
  if (header.format <= FORMAT) return header
  throw new RecordingError(
    `it has the format ${header.format} of xstate-mqtt ${header.package}; this version reads formats up to ${FORMAT}`,
  )
}
