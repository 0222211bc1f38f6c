import type { RefreshedCredentials, RefreshReason } from '../machines/connection-types.ts'
import { InvalidOptionError } from './errors.ts'
import type { Credentials, CredentialsSource } from './options.ts'
import { parseUrls } from './parse-options.ts'

/** Credentials live here, where no inspector looks. */
export class Secrets {
  readonly #source: CredentialsSource | undefined
  readonly #onError: (error: unknown) => void
  #credentials: Credentials | undefined

  constructor(source: CredentialsSource | undefined, onError: (error: unknown) => void) {
    this.#source = source
    this.#onError = onError
  }

  get credentials(): Credentials | undefined {
    return this.#credentials
  }

  /** Asks the source. What is told of it, also of its failure, holds no secret. */
  async refresh(reason: RefreshReason, signal: AbortSignal): Promise<RefreshedCredentials> {
    try {
      const credentials = await this.#source?.({ reason, signal })
      const expiresAt = expiryOf(credentials)
      if (credentials?.url !== undefined) parseUrls('credentials.url', credentials.url)
      // One that comes too late must not replace what a later one brought.
      if (!signal.aborted) this.#credentials = credentials
      return { expiresAt }
    } catch (error) {
      if (!signal.aborted) this.#onError(error)
      // The machine's inspectors see this one: the message of the other may quote a token.
      throw Object.assign(new Error('the credentials source failed'), { name: nameOf(error), stack: '' })
    }
  }
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : typeof error
}

function expiryOf(credentials: Credentials | undefined): number | null {
  const expiresAt = credentials?.expiresAt
  if (expiresAt === undefined) return null
  const time = expiresAt instanceof Date ? expiresAt.getTime() : expiresAt
  if (typeof time === 'number' && !Number.isNaN(time)) return time
  throw new InvalidOptionError('credentials.expiresAt', 'must be a Date, or milliseconds since 1970', expiresAt)
}
