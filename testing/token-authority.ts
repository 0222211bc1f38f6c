/** A credential that ends. */
export interface Token {
  readonly password: string
  /** ms since the epoch of the authority's clock. */
  readonly expiresAt: number
}

export interface TokenAuthorityOptions {
  /** How long a token is good, in ms. */
  lifetime: number
  /** The clock, in ms. @default Date.now */
  now?: () => number
}

/** Issues tokens and tells whether one is still good. */
export interface TokenAuthority {
  /** How many tokens were issued. */
  readonly issued: number
  issue(): Token
  /** True for a token of this authority that has neither expired nor been revoked. */
  check(password: string | undefined): boolean
  /** Ends one token, or does nothing if it is unknown. */
  revoke(password: string): void
  /** Ends every token issued so far; later ones are good. */
  expireAll(): void
}

/**
 * A tiny stand-in for an identity provider. Passwords are predictable (`token-1`, `token-2`, …): never use it outside
 * tests and demos.
 *
 * @example createEmbeddedBroker({ authenticate: (_username, password) => authority.check(password) })
 * @throws RangeError when `lifetime` is not a number of at least 0; `Infinity` is allowed.
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
