/** A credential that expires. */
export interface Token {
  readonly password: string
  /** In milliseconds since the epoch, by the authority's clock. */
  readonly expiresAt: number
}

/** Options of `createTokenAuthority`. */
export interface TokenAuthorityOptions {
  /** How long a token is valid, in milliseconds. */
  lifetime: number
  /** The clock, in milliseconds since the epoch. @default Date.now */
  now?: () => number
}

/** Issues tokens and checks whether they are still valid. */
export interface TokenAuthority {
  /** How many tokens have been issued. */
  readonly issued: number
  issue(): Token
  /** Whether it is a token of this authority that has neither expired nor been revoked. */
  check(password: string | undefined): boolean
  /** Revokes a token. Does nothing if the token is unknown. */
  revoke(password: string): void
  /** Revokes all tokens issued so far. Later tokens are valid. */
  expireAll(): void
}

/**
 * Creates a stand-in for an identity provider. Its passwords are predictable (`token-1`, `token-2`, …), so do not use it
 * outside tests and demos.
 *
 * @example createEmbeddedBroker({ authenticate: (_username, password) => authority.check(password) })
 * @throws {RangeError} if `lifetime` is not a number of at least 0; `Infinity` is allowed
 */
export function createTokenAuthority({ lifetime, now = () => Date.now() }: TokenAuthorityOptions): TokenAuthority {
  if (!(lifetime >= 0)) throw new RangeError(`lifetime must be at least 0 ms, got ${String(lifetime)}`)
  const live = new Map<string, Token>()
  let issued = 0

  return {
    get issued() {
      return issued
    },
    issue() {
      const token = { password: `token-${++issued}`, expiresAt: now() + lifetime }
      live.set(token.password, token)
      return token
    },
    check(password) {
      const token = password === undefined ? undefined : live.get(password)
      return token !== undefined && now() < token.expiresAt
    },
    revoke(password) {
      live.delete(password)
    },
    expireAll() {
      live.clear()
    },
  }
}
