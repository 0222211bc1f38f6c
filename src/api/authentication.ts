import type { Credentials } from './credentials.ts'

/**
 * Enhanced authentication (MQTT 5 §4.12): the client and the server prove to each other who they are by AUTH packets, or the
 * client renews its token by one.
 */
export interface Authentication {
  /** The Authentication Method: `SCRAM-SHA-256` or `OAUTH2-JWT`, say. */
  readonly method: string
  /**
   * Begins an exchange. It is called for each CONNECT, and when credentials are renewed on the open connection. What it
   * returns belongs to this exchange alone, so that its functions can share variables.
   *
   * With this function, the user name and the password that the `credentials` source gives are not sent: they are for this
   * function. Those of `options` and of the URL are.
   *
   * An error ends the attempt with a failure of kind `authentication`, and is reported through the `error` event. Throw
   * `InvalidCredentialsError`, here or in the functions of the exchange, to make the client give up.
   *
   * @default sends `authenticationData` of the credentials, and takes no challenge
   */
  readonly start?: (
    request: AuthenticationRequest,
  ) => AuthenticationExchange | undefined | Promise<AuthenticationExchange | undefined>
  /**
   * Whether credentials that are about to expire are renewed on the open connection (MQTT 5 §4.12.1). If the broker does not
   * take them there, or with `false`, the connection is replaced.
   *
   * @default true
   */
  readonly reauthenticate?: boolean
}

/** What an exchange is for. */
export interface AuthenticationRequest {
  /** What the `credentials` source gave last; `undefined` without one. */
  readonly credentials: Omit<Credentials, 'url'> | undefined
  /** Whether credentials are renewed on an open connection. */
  readonly reauthentication: boolean
  /** Aborts when the exchange is over, or its connection has ended. */
  readonly signal: AbortSignal
}

/**
 * One exchange of AUTH packets. Data is at most 65,535 bytes; a string is sent as UTF-8. All of it together must take no
 * longer than `timeouts.authenticationTimeout`.
 */
export interface AuthenticationExchange {
  /** The first Authentication Data: in CONNECT, or in the AUTH that renews the credentials. @default none */
  readonly data?: string | Uint8Array | undefined
  /**
   * Answers a challenge of the server, which is empty if it has sent no data. An error ends the connection. Without this
   * function, a challenge does.
   */
  respond?(challenge: Uint8Array): string | Uint8Array | undefined | Promise<string | Uint8Array | undefined>
  /**
   * Verifies the data that the server sends with its success, `undefined` if there is none: by it, the server may prove who it
   * is. To refuse it, throw or return `false`. The connection then ends, and nothing that the server has sent is handled.
   *
   * @default accepts it
   */
  verify?(data: Uint8Array | undefined): boolean | void | Promise<boolean | void>
}
