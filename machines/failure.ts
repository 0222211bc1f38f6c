/**
 * Why a connection, an attempt or a refresh ended. A plain value: it stands in the machine's context, travels to
 * inspectors and is turned into an `Error` only at the edge. It never holds a secret.
 */
export type Failure =
  /** The socket failed: refused, reset, unreachable, DNS. */
  | { readonly kind: 'socket'; readonly code?: string; readonly message: string }
  /** The TLS handshake or the certificate check failed. */
  | { readonly kind: 'tls'; readonly code?: string; readonly message: string }
  /** The WebSocket upgrade was answered with an HTTP status, or the WebSocket was closed with a code. */
  | { readonly kind: 'websocket'; readonly status?: number; readonly closeCode?: number; readonly message: string }
  /**
   * Nothing came in time. `probe` is the answer to a PINGREQ that a WAKE asked for, `ack` the acknowledgement of a publish
   * on a connection that was open.
   */
  | { readonly kind: 'timeout'; readonly phase: 'connect' | 'refresh' | 'probe' | 'restore' | 'ack' }
  /** No PINGRESP within 1.5 × keep alive: the link is half-open. */
  | { readonly kind: 'keepalive' }
  /** The server closed the connection without a word. */
  | { readonly kind: 'closed' }
  /** The server sent bytes that are no MQTT, or a packet that it must not send. */
  | { readonly kind: 'protocol'; readonly message: string }
  /** CONNACK with a code other than success. */
  | (ServerReason & { readonly kind: 'refused'; readonly protocolVersion: 3 | 4 | 5 })
  /** DISCONNECT from the server (MQTT 5 only). */
  | (ServerReason & { readonly kind: 'disconnected' })
  /** A handler could not process a message, so we closed: the broker sends it again. */
  | { readonly kind: 'unprocessed' }
  /** The credentials source rejected with `InvalidCredentialsError`: the account is wrong. */
  | { readonly kind: 'credentials' }
  /** The credentials source failed in any other way. Only the error's name: its message may quote a secret. */
  | { readonly kind: 'refresh'; readonly name: string }
  /** The `options` function failed, or MQTT.js refused what it returned. */
  | { readonly kind: 'options'; readonly name: string }
  /**
   * An actor that was provided to the machine threw. `machine` is the machine itself: an error ended its actor. Of that
   * error only the name, since its message may quote what a user gave.
   */
  | { readonly kind: 'internal'; readonly actor: 'transport' | 'subscriptions' | 'machine'; readonly message: string }

/** What the server says in CONNACK or DISCONNECT. */
export interface ServerReason {
  /** MQTT 5 §2.4, or the return code of MQTT 3.1.1 §3.2.2.3. */
  readonly reasonCode: number
  /** MQTT 5 §3.2.2.3.9, §3.14.2.2.3. */
  readonly reasonString?: string
  /** MQTT 5 §3.2.2.3.16, §3.14.2.2.5. */
  readonly serverReference?: string
}

/** What is to be done about a failure. */
export type Disposition = 'retry' | 'retry-later' | 'refresh' | 'redirect' | 'fatal'
