import { InvalidMessageError, InvalidOptionError, ResilientMqttError } from '../api/errors.ts'
import { serverText } from '../mqtt/server-text.ts'

/** These may quote a token: what they say is not printed. */
const SECRET = new Set(['credentials', 'options'])

/**
 * Prints what would be swallowed: an error for which there is neither a listener nor a logger. Each kind is printed once,
 * for a handler that throws does so at each message.
 */
export class LastResort {
  readonly #printed = new Set<string>()

  /** Something of the application's failed. */
  report(error: unknown, source: string, advice: string): void {
    this.print(kindOf(error, source), `${source} failed`, error, advice)
  }

  /**
   * @param kind - of which only the first is printed
   * @param sentence - what failed. Topics may hold what a terminal obeys
   * @param advice - how the application can handle it
   */
  print(kind: string, sentence: string, error: unknown, advice: string): void {
    if (this.#printed.has(kind)) return
    this.#printed.add(kind)
    try {
      // One of ours tells no secret.
      const mayQuote = SECRET.has(kind) && !(error instanceof InvalidOptionError)
      const what = mayQuote ? `${nameOf(error)} (it may quote a secret, so no more is printed)` : inWords(error)
      // oxlint-disable-next-line eslint/no-console -- There is no other place left.
      console.error(
        `xstate-mqtt: ${serverText(sentence)}: ${what}\n${advice} Further errors of this kind are not printed.`,
      )
    } catch {
      // Nor any place after that.
    }
  }
}

/** Without what it is the handler of, or the request to. */
function kindOf(error: unknown, source: string): string {
  const [kind = source] = source.split(/ (?:of|to) /)
  return error instanceof InvalidMessageError ? error.name : kind
}

function inWords(error: unknown): string {
  // Their messages hold no payloads, and no secrets.
  if (error instanceof ResilientMqttError) return `${error.name}: ${serverText(error.message)}`
  // Not its other properties: an HTTP client puts the request into them, with its headers.
  if (error instanceof Error) return error.stack ?? nameOf(error)
  return typeof error === 'string' ? error : nameOf(error)
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : typeof error
}
