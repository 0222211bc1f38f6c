import type { RefreshedCredentials, RefreshReason } from '../../machines/connection/types.ts'
import { errorCode, errorName } from '../../machines/failure.ts'
import type { Credentials, CredentialsSource } from '../api/credentials.ts'
import { InvalidOptionError } from '../api/errors.ts'
import { readCredentials, type WithUrls } from '../config/client-rules.ts'

export interface CurrentCredentialsOptions {
  readonly source: CredentialsSource | undefined
  /** In milliseconds. */
  readonly refreshTimeout: number
  readonly now: () => number
  /** Measures durations: it never goes back. */
  readonly time: () => number
  /** Gets the errors of the source. The machine learns only their names. */
  readonly onError: (error: unknown) => void
}

interface Answer extends RefreshedCredentials {
  readonly credentials: WithUrls<Credentials>
}

/** A call of the source whose answer has not been used yet. */
interface Call {
  readonly answer: Promise<Answer>
  readonly startedAt: number
  answered: boolean
}

/** Smaller values are taken for seconds: 1e12 milliseconds after 1970 is September 2001. */
const MIN_EPOCH_MS = 1e12

/** The credentials that the source gave last. They stay here, where no inspector looks. */
export class CurrentCredentials {
  readonly #options: CurrentCredentialsOptions
  #credentials: WithUrls<Credentials> | undefined
  #call: Call | undefined

  constructor(options: CurrentCredentialsOptions) {
    this.#options = options
  }

  get credentials(): WithUrls<Credentials> | undefined {
    return this.#credentials
  }

  /** Asks the source for new credentials. Neither the result nor the error holds a secret. */
  async refresh(reason: RefreshReason, signal: AbortSignal): Promise<RefreshedCredentials> {
    try {
      const { credentials, expiresAt } = (await this.#lateAnswer()) ?? (await this.#ask(reason, signal))
      if (!signal.aborted) {
        this.#checkExpiry(expiresAt)
        this.#credentials = credentials
        this.#call = undefined
      }
      return { expiresAt }
    } catch (error) {
      if (!signal.aborted) this.#options.onError(error)
      // Inspectors see this error. The message of the original one may quote a token.
      const code = errorCode(error)
      const shown = { name: errorName(error), stack: '', ...(code !== undefined && { code }) }
      throw Object.assign(new Error('the credentials source failed'), shown)
    }
  }

  /**
   * The answer to a call that had timed out, which must not be wasted: the source may have rotated its refresh token.
   */
  async #lateAnswer(): Promise<Answer | undefined> {
    const call = this.#call
    if (!call || this.#isDead(call)) return undefined
    const answer = await call.answer.catch(() => undefined)
    const { now } = this.#options
    return answer && (answer.expiresAt ?? Number.POSITIVE_INFINITY) > now() ? answer : undefined
  }

  /** Whether a call is given up for good. Without this, a source that never answers would never be asked again. */
  #isDead({ answered, startedAt }: Call): boolean {
    const { time, refreshTimeout } = this.#options
    return !answered && time() - startedAt >= 2 * refreshTimeout
  }

  #ask(reason: RefreshReason, signal: AbortSignal): Promise<Answer> {
    if (signal.aborted) throw signal.reason
    const call: Call = { answer: this.#answer(reason, signal), startedAt: this.#options.time(), answered: false }
    const answered = () => {
      call.answered = true
    }
    call.answer.then(answered, answered)
    this.#call = call
    return call.answer
  }

  /** Credentials that have expired already are used: this clock may be wrong, and the broker decides. */
  #checkExpiry(expiresAt: number | null): void {
    if (expiresAt === null || expiresAt > this.#options.now()) return
    const rule = 'must be in the future (is the clock of this device right?)'
    this.#options.onError(new InvalidOptionError('credentials.expiresAt', rule, inWords(expiresAt)))
  }

  async #answer(reason: RefreshReason, signal: AbortSignal): Promise<Answer> {
    const { source, now } = this.#options
    const credentials = readCredentials(await source?.({ reason, signal }))
    return { credentials, expiresAt: expiryOf(credentials.expiresAt, now()) }
  }
}

/** A time that `Date` can't express stays a number. */
function inWords(time: number): unknown {
  const date = new Date(time)
  return Number.isNaN(date.getTime()) ? time : date.toISOString()
}

function expiryOf(expiresAt: Credentials['expiresAt'], now: number): number | null {
  if (expiresAt === undefined) return null
  const time = expiresAt instanceof Date ? expiresAt.getTime() : expiresAt
  const isTime = typeof time === 'number' && !Number.isNaN(time)
  // Simulated time may begin at 0.
  const isSeconds = isTime && time < MIN_EPOCH_MS && now >= MIN_EPOCH_MS
  if (isTime && !isSeconds) return time
  const hint = isSeconds ? '. These seem to be seconds: multiply them by 1,000' : ''
  throw new InvalidOptionError('credentials.expiresAt', `must be a Date, or milliseconds since 1970${hint}`, expiresAt)
}
