import { diag } from '@opentelemetry/api'

/**
 * Reports errors of the SDK or of a function of the application to OpenTelemetry's diagnostic logger: each kind once, because
 * what fails for one message usually fails for each. Only the name of an error is shown: its message may contain a payload.
 */
export class Problems {
  readonly #reported = new Set<string>()

  /** @returns what the call returns; `undefined` if it throws */
  guard<Result>(what: string, call: () => Result): Result | undefined {
    try {
      return call()
    } catch (error) {
      if (!this.#reported.has(what)) {
        this.#reported.add(what)
        this.#report(`xstate-mqtt: ${what} failed with ${errorType(error)}`)
      }
      return undefined
    }
  }

  #report(line: string): void {
    try {
      diag.error(line)
    } catch {
      // The diagnostic logger is the application's, too.
    }
  }
}

/** The name of an error, if it can be one of a few: the attribute `error.type`. */
export function errorType(error: unknown): string {
  if (!(error instanceof Error)) return '_OTHER'
  return /^[A-Za-z_$][\w$.]{0,63}$/.test(error.name) ? error.name : '_OTHER'
}
