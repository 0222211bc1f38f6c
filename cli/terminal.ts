import { stripVTControlCharacters, styleText } from 'node:util'

export type Style = Parameters<typeof styleText>[0]

/** The output of a terminal: `process.stdout`, or a stand-in of a test. */
export interface Output {
  write(text: string): unknown
  readonly isTTY?: boolean
  readonly columns?: number
  hasColors?(): boolean
}

/**
 * Prints lines of text and, on a terminal, one live line below them. If the output is piped, there are only the lines,
 * without colours. Node decides whether there are colours, from NO_COLOR, FORCE_COLOR and TERM.
 */
export class Terminal {
  readonly #output: Output
  readonly #colours: boolean
  #live = ''

  constructor(output: Output = process.stdout) {
    this.#output = output
    this.#colours = output.isTTY === true && output.hasColors?.() === true
  }

  /** Whether a live line can be seen. */
  get isLive(): boolean {
    return this.#output.isTTY === true && process.env.TERM !== 'dumb'
  }

  paint(style: Style, text: string): string {
    return this.#colours ? styleText(style, text, { validateStream: false }) : text
  }

  /** Prints a line. On a terminal it is cut to the width of the terminal, so that tables stay readable. */
  line(text = ''): void {
    this.whole(this.#output.isTTY === true ? cut(text, this.#columns) : text)
  }

  /** Prints a line that is never cut, such as an address. */
  whole(text: string): void {
    this.#output.write(`${this.#eraser()}${text}\n${this.#live}`)
  }

  /** Replaces the live line. Does nothing if the output is piped. */
  live(text: string): void {
    if (!this.isLive) return
    const eraser = this.#eraser()
    // One column is left for the cursor, because some terminals wrap in the last column.
    this.#live = cut(text, this.#columns - 1)
    this.#output.write(eraser + this.#live)
  }

  /** Some terminals do not know their width, and report 0. */
  get #columns(): number {
    return this.#output.columns || 80
  }

  #eraser(): string {
    return this.#live ? '\r\u001B[2K' : ''
  }
}

/** Makes text from outside harmless: a payload must not move the cursor. */
export function printable(text: string, limit = 200): string {
  const safe = text.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, (char) => escapes[char] ?? '�')
  return safe.length > limit ? `${safe.slice(0, limit - 1)}…` : safe
}

/** Like `printable`, but keeps lines and tabs, and everything that only looks odd, such as parts of an emoji. */
export function harmless(text: string): string {
  return text.replaceAll(/(?![\n\t])[\p{Cc}\p{Cs}\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]/gu, '�')
}

const escapes: Readonly<Record<string, string>> = { '\n': '↵', '\r': '', '\t': ' ' }

/** Cuts a text to a number of columns. Escape sequences take no columns. */
export function cut(text: string, columns: number): string {
  if (stripVTControlCharacters(text).length <= columns) return text
  let left = columns - 1
  // eslint-disable-next-line no-control-regex
  const pieces = text.split(/(\u001B\[[\d;]*m)/)
  const kept = pieces.map((piece, index) => {
    if (index % 2 === 1) return piece
    const part = piece.slice(0, Math.max(0, left))
    const ends = left > 0 && piece.length >= left
    left -= piece.length
    return ends ? `${part}…` : part
  })
  return kept.join('')
}
