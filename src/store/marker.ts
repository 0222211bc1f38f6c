import { crc32c } from './crc32c.ts'
import { fileSystem } from './node.ts'
import { FORMAT } from './records.ts'
import { nothing } from '../shared/nothing.ts'

/** A file that tells that a folder is ours. LevelDB leaves it alone, by its name. */
export const MARKER = 'XSTATE-MQTT'

const FIRST_LINE = `outbox of xstate-mqtt, format ${FORMAT}\n`
const DIGITS = 16

export interface MarkerContents {
  /** 0 if that is not known: the process ended before it was written, or it is damaged. */
  readonly format: number
  /** The store has at least so many batches: 0 if that is not known. */
  readonly batches: number
}

/**
 * The marker of a folder. It also remembers how many batches were written: a database whose last ones are missing can't
 * tell that by itself, since it is as it was before them.
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

  /** Resolves when it is on disk that there are so many batches, as far as the disk takes it. */
  async write(batches: number): Promise<void> {
    await this.#writing
    await fileSystem()
      .promises.writeFile(this.#path, `${FIRST_LINE}${secondLine(batches)}`, { flag: this.#flag(), flush: true })
      .catch(nothing)
  }

  /** Remembers that there are so many batches, soon, and without waiting for the disk. */
  note(batches: number): void {
    this.#wanted = batches
    this.#writing ??= this.#writeNotes()
  }

  async close(batches: number): Promise<void> {
    await this.write(batches)
    if (this.#file !== undefined) fileSystem().close(this.#file, nothing)
    this.#file = undefined
  }

  /** One at a time, the last one last. What fails is only remembered less well. */
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

  /** What is there is written over: on a full disk it would else be lost. */
  #flag(): 'r+' | 'w' {
    return fileSystem().existsSync(this.#path) ? 'r+' : 'w'
  }
}

function secondLine(batches: number): string {
  const digits = String(batches).padStart(DIGITS, '0')
  return `at least ${digits} batches, checksum ${checksumOf(digits)}\n`
}

function checksumOf(digits: string): string {
  return crc32c(new TextEncoder().encode(digits)).toString(16).padStart(8, '0')
}
