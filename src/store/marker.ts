import { nothing } from '../shared/nothing.ts'
import { textEncoder } from '../shared/text-coders.ts'
import { crc32c } from './crc32c.ts'
import { fileSystem } from './node.ts'
import { FORMAT } from './records.ts'

/** A file that marks a folder as a store. LevelDB ignores it because of its name. */
export const MARKER = 'XSTATE-MQTT'

const FIRST_LINE = `outbox of xstate-mqtt, format ${FORMAT}\n`
const DIGITS = 16

export interface MarkerContents {
  /** 0 if unknown: the process ended before the marker was written, or it is damaged. */
  readonly format: number
  /** The store has at least this many batches; 0 if unknown. */
  readonly batches: number
}

/**
 * The marker of a folder. It also stores how many batches were written: a database can't detect by itself that its last
 * batches are missing, because it looks as it did before them.
 */
export class Marker {
  readonly #path: string
  #file: number | undefined
  #wanted = 0
  #writing: Promise<void> | undefined

  constructor(folder: string) {
    this.#path = `${folder}/${MARKER}`
  }

  read(): MarkerContents {
    const text = fileSystem().readFileSync(this.#path, 'utf8')
    const [, format = 0] = /^outbox.*, format (\d+)$/m.exec(text) ?? []
    const [, batches = '', checksum] = /^at least (\d+) batches, checksum ([\da-f]{8})$/m.exec(text) ?? []
    return { format: Number(format), batches: checksum === checksumOf(batches) ? Number(batches) : 0 }
  }

  /** Resolves when the number of batches is on disk, or could not be written. */
  async write(batches: number): Promise<void> {
    await this.#writing
    await fileSystem()
      .promises.writeFile(this.#path, `${FIRST_LINE}${secondLine(batches)}`, { flag: this.#flag(), flush: true })
      .catch(nothing)
  }

  /** Writes the number of batches soon, without waiting for the disk. */
  note(batches: number): void {
    this.#wanted = batches
    this.#writing ??= this.#writeNotes()
  }

  async close(batches: number): Promise<void> {
    await this.write(batches)
    if (this.#file !== undefined) fileSystem().close(this.#file, nothing)
    this.#file = undefined
  }

  /** Writes one at a time, in order. A failed write only makes the number older. */
  async #writeNotes(): Promise<void> {
    const { openSync, write } = fileSystem()
    for (let written = -1; written !== this.#wanted;) {
      written = this.#wanted
      const line = secondLine(written)
      await new Promise<void>((resolve) => {
        try {
          this.#file ??= openSync(this.#path, 'r+')
          write(this.#file, line, FIRST_LINE.length, () => resolve())
        } catch {
          resolve()
        }
      })
    }
    this.#writing = undefined
  }

  /** Overwrites the file in place. Truncating it first could lose it on a full disk. */
  #flag(): 'r+' | 'w' {
    return fileSystem().existsSync(this.#path) ? 'r+' : 'w'
  }
}

function secondLine(batches: number): string {
  const digits = String(batches).padStart(DIGITS, '0')
  return `at least ${digits} batches, checksum ${checksumOf(digits)}\n`
}

function checksumOf(digits: string): string {
  return crc32c(textEncoder().encode(digits)).toString(16).padStart(8, '0')
}
