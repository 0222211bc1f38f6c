/**
 * Why a connection, an attempt or a refresh ended. It is a plain value, because it is part of the machine's context and
 * is sent to inspectors; only the client turns it into an `Error`. It never contains a secret.
 */
export type Failure =
  /** The socket failed: refused, reset, unreachable, DNS. */
  | {
      readonly kind: 'socket'
      readonly code?: string
      readonly message: string
      /** Set if the server reset the connection before the CONNACK. */
      readonly beforeConnack?: true
      /** Set if it did so during this handshake. With `wss:`, that of TLS belongs to that of the WebSocket. */
      readonly handshake?: 'tls' | 'websocket'
      /** Set if the function `socket` of the application failed. */
      readonly bySource?: true
    }
  /** The TLS handshake or the certificate check failed. */
  | { readonly kind: 'tls'; readonly code?: string; readonly message: string }
  /** The server answered the WebSocket upgrade with an HTTP status, or closed the WebSocket with a code. */
  | {
      readonly kind: 'websocket'
      readonly status?: number
      readonly closeCode?: number
      readonly message: string
      /** Set if it did so before the CONNACK. */
      readonly beforeConnack?: true
      /** Where a status 3xx redirects to: the scheme and the host of its Location. */
      readonly location?: string
      /** How long the server asks us to wait, by the Retry-After of a status 429 or 503. In milliseconds. */
      readonly retryAfter?: number
    }
  /**
   * A time limit passed. `probe` is the answer to a PINGREQ after a WAKE, `ack` the acknowledgement of a publish on an
   * open connection, `traffic` the next message of a connection that must not be silent, and `authentication` the end of
   * an exchange of AUTH packets.
   */
  | {
      readonly kind: 'timeout'
      readonly phase: 'connect' | 'refresh' | 'probe' | 'restore' | 'ack' | 'traffic' | 'authentication'
    }
  /** No PINGRESP within 1.5 × keep alive: the connection is half-open. */
  | { readonly kind: 'keepalive' }
  /** The server closed the connection without giving a reason. */
  | {
      readonly kind: 'closed'
      /** Set if it did so before the CONNACK. */
      readonly beforeConnack?: true
      /** Set if that connection was a WebSocket. */
      readonly webSocket?: true
      /**
       * How long no bytes had passed in either direction, in milliseconds. Set if this was long, and the server owed no
       * answer: something in between may close idle connections.
       */
      readonly silence?: number
      /** The keep alive that was agreed on, in milliseconds; 0 if it was off. Set together with `silence`. */
      readonly keepalive?: number
      /** Set if the client seems to share its client id with another one: they take the session from each other. */
      readonly suspicion?: 'takeover'
      /** Set if the client was renewing its credentials on this connection (MQTT 5 §4.12.1). */
      readonly reauthenticating?: true
    }
  /** The server sent bytes that are not MQTT, or a packet that it must not send. */
  | {
      readonly kind: 'protocol'
      readonly message: string
      /** What the server seems to speak on this port instead of MQTT, by the first bytes that it sent. */
      readonly speaks?: 'tls' | 'http'
      /** Set if the client was renewing its credentials on this connection (MQTT 5 §4.12.1). */
      readonly reauthenticating?: true
    }
  /**
   * The server sent a CONNACK with a code other than success. `protocolVersion` says to which version the code belongs: some
   * brokers answer a CONNECT of MQTT 5 with a code of MQTT 3.1.1.
   */
  | (ServerReason & {
      readonly kind: 'refused'
      readonly protocolVersion: 3 | 4 | 5
      /** Set if the server does not take MQTT 5, and the next attempt uses MQTT 3.1.1 (`protocolVersion: 'auto'`). */
      readonly nextVersion?: 4
    })
  /** The server sent a DISCONNECT (MQTT 5 only). */
  | (ServerReason & {
      readonly kind: 'disconnected'
      /** Set if the client was renewing its credentials on this connection (MQTT 5 §4.12.1). */
      readonly reauthenticating?: true
    })
  /**
   * The application's part of enhanced authentication failed (MQTT 5 §4.12): `start`, or `respond` to a challenge, or
   * `verify`, which refuses what the server sent to prove its identity. Contains only the name of the error, whose message
   * may quote a secret.
   */
  | { readonly kind: 'authentication'; readonly step: 'start' | 'respond' | 'verify'; readonly name: string }
  /** A handler failed to process a message, so the client closed the connection to receive it again. */
  | { readonly kind: 'unprocessed' }
  /** The credentials source rejected with `InvalidCredentialsError`: the account is wrong. */
  | { readonly kind: 'credentials' }
  /**
   * The credentials source failed otherwise. Contains only the name of the error, whose message may quote a secret, and its
   * code or that of its cause, such as `ENOTFOUND`.
   */
  | { readonly kind: 'refresh'; readonly name: string; readonly code?: string }
  /** The `options` function failed, or MQTT.js refused its result. */
  | { readonly kind: 'options'; readonly name: string }
  /**
   * An actor that was provided to the machine threw. `machine` is the machine itself: an error ended its actor. In that
   * case, `message` is only the name of the error, because its message may quote a value from the application.
   */
  | { readonly kind: 'internal'; readonly actor: 'transport' | 'subscriptions' | 'machine'; readonly message: string }

/** The reason that a server gives in a CONNACK or DISCONNECT. */
export interface ServerReason {
  /** MQTT 5 §2.4, or the return code of MQTT 3.1.1 §3.2.2.3. */
  readonly reasonCode: number
  /** MQTT 5 §3.2.2.3.9, §3.14.2.2.3. */
  readonly reasonString?: string
  /** MQTT 5 §3.2.2.3.16, §3.14.2.2.5. */
  readonly serverReference?: string
}

/** How the machine responds to a failure. */
export type Disposition = 'retry' | 'retry-later' | 'refresh' | 'redirect' | 'fatal'

/** What may be shown of any error. Its message may quote a token, a signed URL or a payload. */
export function errorName(error: unknown): string {
  return error instanceof Error ? error.name : typeof error
}

/** Codes of the system, Node, its `fetch` and OpenSSL, which quote nothing. Codes of other errors may be anything. */
const CODE = /^(?:E[A-Z]{2,15}|(?:CERT|DEPTH_ZERO|EAI|ERR|SELF_SIGNED|UNABLE_TO|UND_ERR)_[A-Z\d_]{2,50})$/

/** A cause may be its own cause. */
const MAX_DEPTH = 4

/**
 * The code of an error, or of its cause: `fetch` says only that it failed, and its cause is the error of the socket. Unlike a
 * message, it may be shown.
 */
export function errorCode(error: unknown): string | undefined {
  for (let each = error, depth = 0; each instanceof Error && depth < MAX_DEPTH; each = each.cause, depth++) {
    const { code } = each as { readonly code?: unknown }
    if (typeof code === 'string' && CODE.test(code)) return code
  }
  return undefined
}
