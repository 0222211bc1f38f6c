import type { RefreshReason } from '../../machines/connection/types.ts'

/** The result of a credentials source. None of it enters the machine. */
export interface Credentials {
  readonly username?: string
  readonly password?: string | Uint8Array
  /** For `options.authentication`: the token that is sent as Authentication Data, or what its `start` needs. */
  readonly authenticationData?: string | Uint8Array
  /** Replaces the URL, for example with a signed one for AWS IoT. */
  readonly url?: string
  /** Added to the headers of the WebSocket upgrade. */
  readonly wsHeaders?: Readonly<Record<string, string>>
  /** When the credentials expire, in milliseconds since 1970 or as a `Date`. Without it, no renewal is planned. */
  readonly expiresAt?: number | Date
}

/**
 * Returns credentials. Called before the first connection, before the credentials expire, when the broker refuses them,
 * and in recovery cycles. Calls never overlap. Reject with `InvalidCredentialsError` to make the client give up.
 *
 * If a call takes too long, the client abandons it. When it next needs credentials, it first waits for the abandoned
 * call, and calls again only if that call rejects or its credentials have expired. A call that has not returned after
 * twice the `refreshTimeout` is no longer waited for.
 *
 * @param request.reason - why the client needs credentials
 * @param request.signal - aborts when the client abandons the call, for example after `refreshTimeout`
 */
export type CredentialsSource = (request: {
  readonly reason: RefreshReason
  readonly signal: AbortSignal
}) => Credentials | Promise<Credentials>
