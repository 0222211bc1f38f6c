import { withoutSecrets } from './redaction.ts'

/** In code points. */
const MAX_TEXT = 256
/** Text after this length is ignored. In UTF-16 code units. */
const MAX_READ = 4_096

/** Control characters, lone surrogates, line separators, and characters that change the direction of text. */
const UNPRINTABLE = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069\uFEFF]+/gu

/**
 * Makes a text that may come from outside, such as from a server or a proxy, safe for the machine, errors and logs: one
 * line, at most 256 characters, and no text that looks like a secret.
 */
export function safeText(text: string): string {
  return cut(withoutSecrets(printable(text)))
}

/** Like `safeText`, but keeps everything that looks like a secret: the caller redacts it. */
export function shortLine(text: string): string {
  return cut(printable(text))
}

/** Whether a text is one line without control characters, and without space around it. */
export function isPrintable(text: string): boolean {
  return text.length <= MAX_READ && text === printable(text)
}

function printable(text: string): string {
  return text.slice(0, MAX_READ).replaceAll(UNPRINTABLE, ' ').trim()
}

function cut(text: string): string {
  if (text.length <= MAX_TEXT) return text
  const characters = Array.from(text)
  return characters.length <= MAX_TEXT ? text : `${characters.slice(0, MAX_TEXT - 1).join('')}…`
}
