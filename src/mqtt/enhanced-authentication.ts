import type { IConnackPacket } from 'mqtt-packet'

import { errorName, type Failure } from '../../machines/failure.ts'
import type { Clock } from '../api/clock.ts'
import { hex } from '../api/reason-codes.ts'
import type { Authenticator, Exchange } from '../config/authentication.ts'
import { type Auth, CONTINUE_AUTHENTICATION, decodeAuth, encodeAuth, REAUTHENTICATE } from '../wire/auth.ts'
import type { Frame } from '../wire/framer.ts'
import { type Breach, PROTOCOL_ERROR, UNSOLICITED_AUTH } from './breach.ts'
import type { Receiver } from './receiver.ts'

/** The only code that a client has for it (MQTT 5 §3.14.2.1). */
const UNSPECIFIED_ERROR = 0x80

/** The reason codes of a DISCONNECT with which a server may answer AUTH, whether it knows that packet or not. */
const ANSWERS: ReadonlySet<number> = new Set([0x80, 0x81, 0x82, 0x83, 0x87, 0x8c, 0x95])

export interface AuthenticationPort {
  /** Sends an AUTH. */
  sendAuth(bytes: Uint8Array): void
  /** Ends the connection. @param reasonCode - of our DISCONNECT, if one is sent once the server has accepted us */
  fail(failure: Failure, reasonCode: number): void
  /** The server broke a rule of MQTT. */
  breached(breach: Breach): void
  /** The server has taken the new credentials. */
  reauthenticated(): void
}

export interface AuthenticationOptions {
  readonly clock: Clock
  /** From the first challenge to the CONNACK, in milliseconds. */
  readonly authenticationTimeout: number
  /** Called with the errors of the application. The failure has only their names. */
  readonly onError: (error: unknown, source: 'authentication') => void
}

type Step = Extract<Failure, { readonly kind: 'authentication' }>['step']

/**
 * The exchanges of AUTH packets on one connection (MQTT 5 §4.12), one at a time: that of the CONNECT, and those that renew the
 * credentials.
 */
export class EnhancedAuthentication {
  readonly method: string
  readonly reauthenticates: boolean
  readonly #authenticator: Authenticator
  readonly #options: AuthenticationOptions
  readonly #port: AuthenticationPort
  /** Aborts the exchange under way. */
  #abort = new AbortController()
  #exchange: Exchange | undefined
  /** Whether the server has to wait for a function of the application. */
  #isBusy = false
  #isRenewing = false
  #timer: unknown

  constructor(authenticator: Authenticator, options: AuthenticationOptions, port: AuthenticationPort) {
    this.method = authenticator.method
    this.reauthenticates = authenticator.reauthenticates
    this.#authenticator = authenticator
    this.#options = options
    this.#port = port
  }

  /** Begins the exchange of the CONNECT. @returns whether it has begun */
  async begin(): Promise<boolean> {
    await this.#ask(
      'start',
      () => this.#start(false),
      (exchange) => (this.#exchange = exchange),
    )
    return this.#exchange !== undefined
  }

  /** For the CONNECT. */
  get data(): Uint8Array | undefined {
    return this.#exchange?.data
  }

  /** Renews the credentials. */
  reauthenticate(): void {
    if (this.#isRenewing) return
    this.#isRenewing = true
    void this.#ask(
      'start',
      () => this.#start(true),
      (exchange) => {
        this.#exchange = exchange
        this.#send(REAUTHENTICATE, exchange.data)
      },
    )
  }

  /** AUTH arrived. @throws {InvalidPacketError} */
  received(frame: Frame): void {
    const auth = decodeAuth(frame)
    const exchange = this.#exchange
    const breach = this.#breachOf(auth)
    if (breach !== undefined) return this.#port.breached({ message: `AUTH ${breach}`, reasonCode: PROTOCOL_ERROR })
    if (!exchange) return this.#port.breached(UNSOLICITED_AUTH)
    if (auth.reasonCode === CONTINUE_AUTHENTICATION) this.#challenged(exchange, auth.data)
    else this.#verify(exchange, auth.data, () => this.#port.reauthenticated())
  }

  /**
   * A CONNACK with success arrived.
   *
   * @param packets - wait until the server is trusted
   * @param accept - called then: at once, if the application does not verify it
   */
  connack(
    { properties }: IConnackPacket,
    packets: Pick<Receiver, 'hold' | 'release'> | undefined,
    accept: () => void,
  ): void {
    const { authenticationMethod = this.method, authenticationData } = properties ?? {}
    if (authenticationMethod !== this.method) {
      this.#port.breached({ message: `CONNACK ${ANOTHER_METHOD}`, reasonCode: PROTOCOL_ERROR })
    } else if (this.#isBusy) {
      this.#port.breached({ message: 'CONNACK before the answer to a challenge', reasonCode: PROTOCOL_ERROR })
    } else if (this.#exchange?.verify) {
      packets?.hold()
      this.#verify(this.#exchange, authenticationData, () => {
        accept()
        packets?.release()
      })
    } else {
      this.#end()
      accept()
    }
  }

  /** Says of a failure that it may be the answer to the new credentials. */
  explained(failure: Failure): Failure {
    if (!this.#isRenewing) return failure
    if (failure.kind === 'refused') {
      // mosquitto 2.0.11 answers by a second CONNACK.
      const { reasonCode, reasonString } = failure
      return {
        kind: 'disconnected',
        reasonCode,
        ...(reasonString !== undefined && { reasonString }),
        reauthenticating: true,
      }
    }
    const isAnswer =
      failure.kind === 'closed' ||
      failure.kind === 'protocol' ||
      (failure.kind === 'disconnected' && ANSWERS.has(failure.reasonCode))
    return isAnswer ? { ...failure, reauthenticating: true } : failure
  }

  /** The connection is closed. */
  close(): void {
    this.#end()
  }

  #start(reauthentication: boolean): Promise<Exchange> {
    return this.#authenticator.start({ reauthentication, signal: this.#abort.signal })
  }

  #breachOf({ reasonCode, method, data }: Auth): string | undefined {
    if (this.#isBusy) return 'before the answer to the one before'
    const isBare = method === undefined && data === undefined && reasonCode === 0
    if (method !== this.method && !isBare) return ANOTHER_METHOD
    // Without a renewal under way, a CONNACK reports success (MQTT 5 §4.12).
    const isAllowed = reasonCode === CONTINUE_AUTHENTICATION || (reasonCode === 0 && this.#isRenewing)
    return isAllowed ? undefined : `with the reason code ${hex(reasonCode)}`
  }

  #challenged(exchange: Exchange, challenge: Uint8Array = new Uint8Array()): void {
    // The machine limits the time of a renewal.
    if (!this.#isRenewing) this.#limit()
    void this.#ask(
      'respond',
      () => exchange.respond(challenge),
      (data) => this.#send(CONTINUE_AUTHENTICATION, data),
    )
  }

  #verify({ verify }: Exchange, data: Uint8Array | undefined, accepted: () => void): void {
    const done = () => {
      this.#end()
      accepted()
    }
    if (verify) void this.#ask('verify', () => verify(data), done)
    else done()
  }

  /** Calls the application, and goes on unless the exchange has ended meanwhile. */
  async #ask<Answer>(step: Step, call: () => Promise<Answer>, then: (answer: Answer) => void): Promise<void> {
    const { signal } = this.#abort
    this.#isBusy = true
    let answer: Answer
    try {
      answer = await call()
    } catch (error) {
      if (!signal.aborted) this.#failed(step, error)
      return
    }
    if (signal.aborted) return
    this.#isBusy = false
    then(answer)
  }

  #failed(step: Step, error: unknown): void {
    this.#options.onError(error, 'authentication')
    this.#port.fail({ kind: 'authentication', step, name: errorName(error) }, UNSPECIFIED_ERROR)
  }

  #send(reasonCode: number, data: Uint8Array | undefined): void {
    this.#port.sendAuth(encodeAuth({ reasonCode, method: this.method, data }))
  }

  #limit(): void {
    const { clock, authenticationTimeout } = this.#options
    this.#timer ??= clock.setTimeout(
      () => this.#port.fail({ kind: 'timeout', phase: 'authentication' }, UNSPECIFIED_ERROR),
      authenticationTimeout,
    )
  }

  #end(): void {
    this.#options.clock.clearTimeout(this.#timer)
    this.#timer = undefined
    this.#exchange = undefined
    this.#isRenewing = false
    this.#isBusy = false
    this.#abort.abort()
    this.#abort = new AbortController()
  }
}

const ANOTHER_METHOD = 'with another Authentication Method'
