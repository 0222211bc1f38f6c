import { errorCode, errorName } from '../../machines/failure.ts'
import { InvalidMessageError, InvalidOptionError, ResilientMqttError } from '../api/errors.ts'
import { safeText } from '../shared/safe-text.ts'

/** Errors of these sources may quote a token, so their messages are not printed. */
const SECRET = new Set(['credentials', 'options'])

/**
 * Prints errors that would otherwise be swallowed, because the application has neither a listener nor a logger. Prints
 * only the first error of each kind: a handler that throws may do so at each message.
 */
export class LastResort {
  readonly #name: string | undefined
  #printed: Set<string> | undefined

  /** @param name - of the client */
  constructor(name: string | undefined) {
    this.#name = name
  }

  /** Reports that a part of the application failed, such as a handler. */
  report(error: unknown, source: string, advice: string): void {
    this.print(kindOf(error, source), `${source} failed`, error, advice)
  }

  /**
   * @param kind - only the first error of each kind is printed
   * @param sentence - says what failed. It is sanitized: a topic may hold control characters
   * @param advice - says how the application can handle such errors
   */
  print(kind: string, sentence: string, error: unknown, advice: string): void {
    this.say(kind, () => `${safeText(sentence)}: ${SECRET.has(kind) ? withoutSecret(error) : inWords(error)}`, advice)
  }

  /** As `print`, for what no error says. @param sentence - called if it is printed; must hold no secret */
  say(kind: string, sentence: () => string, advice: string): void {
    if (this.#printed?.has(kind)) return
    ;(this.#printed ??= new Set()).add(kind)
    const name = this.#name === undefined ? '' : ` (${this.#name})`
    try {
      // oxlint-disable-next-line eslint/no-console -- This is the last resort.
      console.error(`xstate-mqtt${name}: ${sentence()}\n${advice} Further errors of this kind are not printed.`)
    } catch {
      // A console that throws must not end the client.
    }
  }
}

/** The source without its topic or filter: `the handler of a/b` is of the kind `the handler`. */
function kindOf(error: unknown, source: string): string {
  const [kind = source] = source.split(/ (?:of|to) /)
  return error instanceof InvalidMessageError ? error.name : kind
}

function withoutSecret(error: unknown): string {
  // Our own errors hold no secrets.
  if (error instanceof InvalidOptionError) return inWords(error)
  const code = errorCode(error)
  return `${errorName(error)}${code === undefined ? '' : ` (${code})`}; more is not printed, as it may quote a secret`
}

function inWords(error: unknown): string {
  // Messages of our own errors hold no payloads and no secrets.
  if (error instanceof ResilientMqttError) return `${error.name}: ${safeText(error.message)}`
  // Other properties are left out: HTTP clients put the request there, with its headers.
  if (error instanceof Error) return error.stack ?? errorName(error)
  return typeof error === 'string' ? error : errorName(error)
}
