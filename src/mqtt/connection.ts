import type { MqttClient } from 'mqtt'
import type { IConnackPacket, Packet } from 'mqtt-packet'
import type { AnyEventObject } from 'xstate'

import type { ConnectionFact, TransportInput } from '../../machines/connection/types.ts'
import { errorName, type Failure } from '../../machines/failure.ts'
import type { Clock } from '../api/clock.ts'
import type { ClientEvents } from '../api/events.ts'
import type { DuplexStream } from '../api/socket.ts'
import type { LinkEvents, PacketIdSource } from '../session/link.ts'
import { soon } from '../shared/soon.ts'
import { type Disconnect, NORMAL_DISCONNECT } from '../wire/disconnect.ts'
import type { Frame } from '../wire/framer.ts'
import type { Addresses } from './addresses.ts'
import { type Breach, breachOf, UNSOLICITED_AUTH } from './breach.ts'
import { brokerStatus } from './broker-status.ts'
import { type Attempt, clientOptions } from './client-options.ts'
import { closeClient } from './close.ts'
import { type AuthenticationPort, EnhancedAuthentication } from './enhanced-authentication.ts'
import {
  type FailurePort,
  fromCloseCode,
  fromPacket,
  fromSocketSource,
  fromUpgradeResponse,
  watchForFailure,
} from './failures.ts'
import type { KnownServers } from './known-servers.ts'
import { type LinkPort, MqttLink } from './link.ts'
import { Liveness, type LivenessPort } from './liveness.ts'
import { openClient } from './open-client.ts'
import { ControlPacketIds } from './packet-ids.ts'
import type { PacketTrace } from './packet-trace.ts'
import { ProvidedSocket, SocketSourceError } from './provided-socket.ts'
import { Receiver, type ReceiverPort } from './receiver.ts'
import type { EndedConnection, TakeoverSuspicion } from './takeover.ts'
import type { AnySocket } from './traffic.ts'
import { judgeVersion, type VersionTrial } from './version-trial.ts'

/** @param stream - of the connection that the packet came from */
export type ControlPacketListener = (packet: Packet, stream: MqttClient['stream']) => void

/** What all connections of one client share. */
export interface ConnectionOptions {
  /** Evaluates the options, credentials and server of an attempt. Secrets enter here and never reach the machine. */
  readonly prepare: (input: TransportInput) => Attempt | Promise<Attempt>
  /** The DISCONNECT of a graceful close, if it is not the normal one. */
  readonly farewell?: () => Disconnect | undefined
  readonly events: LinkEvents
  readonly packetIds: PacketIdSource
  /** Reports packets to the application; `undefined` if it can't ask for them. */
  readonly packets?: PacketTrace | undefined
  readonly clock: Clock
  /** The time of the clock, in milliseconds. */
  readonly time: () => number
  /** How long a graceful close may take, in milliseconds. */
  readonly disconnectTimeout: number
  /** How long the answer to a PINGREQ may take after a WAKE, in milliseconds. */
  readonly probeTimeout: number
  /** From the first challenge of the server to the CONNACK, in milliseconds. */
  readonly authenticationTimeout: number
  /**
   * Called with the error of a failed `prepare`, of the function `socket`, or of enhanced authentication. The machine gets
   * only the failure.
   */
  readonly onError: (error: unknown, source: 'options' | 'socket' | 'authentication') => void
  /**
   * Called with each packet that MQTT.js has parsed: CONNACK, SUBACK, UNSUBACK and DISCONNECT, before it is handled. Must not
   * throw.
   */
  readonly onControlPacket?: ControlPacketListener
  /** Called when it is learnt that something in between closes idle connections to a server. */
  readonly onIdleTimeoutLearnt: (learnt: ClientEvents['idleTimeoutLearnt']) => void
}

/** An attempt that is stopped earlier was not given up because the server is silent. In milliseconds. */
const LEAST_WAIT = 500

/** One attempt to connect, its connection and its end. */
export class Connection implements FailurePort, LinkPort, LivenessPort, AuthenticationPort, ReceiverPort {
  readonly #options: ConnectionOptions
  readonly #tell: (event: AnyEventObject & ConnectionFact) => void
  readonly #takeovers: TakeoverSuspicion
  readonly #liveness: Liveness
  readonly #addresses: Addresses
  /** Called when the server answers the CONNECT, or does not. */
  #onAnswer: ((hasAnswered: boolean) => void) | undefined
  #phase: 'preparing' | 'opening' | 'open' | 'closed' = 'preparing'
  /** Set if the application opens the socket. */
  #provided: ProvidedSocket | undefined
  #client: MqttClient | undefined
  #link: MqttLink | undefined
  #authentication: EnhancedAuthentication | undefined
  #receiver: Receiver | undefined
  #trial: VersionTrial | undefined
  /** When it began to open, or the CONNACK arrived, on the clock of `time`. */
  #since = 0
  /** Resolves at the client's `close`. */
  #closed: Promise<void> = Promise.resolve()
  #closing: Promise<void> = Promise.resolve()

  constructor(options: ConnectionOptions, known: KnownServers, tell: (event: AnyEventObject & ConnectionFact) => void) {
    this.#options = options
    this.#takeovers = known.takeovers
    this.#addresses = known.addresses
    this.#tell = tell
    this.#liveness = new Liveness(options, known.idleTimeouts, this)
  }

  async open(input: TransportInput): Promise<void> {
    if (this.#phase !== 'preparing') return
    try {
      const prepared = this.#options.prepare(input)
      const attempt = prepared instanceof Promise ? await prepared : prepared
      if (this.#phase !== 'preparing') return
      if (attempt.choice) this.#tell(attempt.choice)
      if (attempt.authenticator) {
        this.#authentication = new EnhancedAuthentication(attempt.authenticator, this.#options, this)
        if (!(await this.#authentication.begin())) return
      }
      const { socket } = attempt.connect
      if (!socket) return this.#connect(attempt)
      this.#provided = new ProvidedSocket()
      const provided = await this.#provided.open(socket, attempt.url)
      if (provided) this.#connect(attempt, provided)
    } catch (error) {
      this.#unprepared(error)
    }
  }

  /** Sends DISCONNECT if the connection is open. Resolves when no socket is left. */
  close(): Promise<void> {
    if (this.#phase !== 'closed') {
      this.#takeovers.reset()
      this.#release(this.#phase === 'open' ? this.#farewell : undefined)
    }
    return this.#closing
  }

  /** The machine waits no longer, without a CLOSE. */
  abandoned(): void {
    if (this.#phase !== 'opening' || this.#link || !this.#trial) return
    const waited = this.#judged(() => this.#options.time() - this.#since, 0)
    if (waited >= LEAST_WAIT) this.#trial.unanswered()
  }

  /** Sends PINGREQ. The connection ends if the answer is late. */
  probe(): void {
    if (this.#phase === 'open') this.#liveness.probe()
  }

  /** Passes the current credentials to the server. */
  reauthenticate(): void {
    if (this.#phase === 'open') this.#authentication?.reauthenticate()
  }

  /** Destroys the socket. MQTT.js and the machine see the same as after a broken line. */
  drop(): void {
    if (this.#phase !== 'open') return
    this.#client?.stream.destroy(Object.assign(new Error('dropped on request'), { code: 'ECONNABORTED' }))
  }

  get isConnected(): boolean {
    return this.#link !== undefined
  }

  pingreq(): void {
    this.#link?.pingreq()
  }

  /** The server broke a rule of MQTT. On MQTT 5 it gets a DISCONNECT with the reason (§4.13.1). */
  breached({ message, reasonCode }: Breach): void {
    this.fail({ kind: 'protocol', message }, reasonCode)
  }

  /** Ends this connection, once. @param reasonCode - of our DISCONNECT, if one is sent once the server has accepted us */
  fail(failure: Failure, reasonCode?: number): void {
    if (this.#phase === 'closed') return
    const explained = this.#judged(() => this.#explained(failure), failure)
    this.#release(this.#link && reasonCode !== undefined ? { reasonCode } : undefined, explained)
    this.#tell({ type: 'transport.failed', failure: explained })
  }

  sendAuth(auth: Uint8Array): void {
    if (this.#link) this.#link.authenticate(auth)
    else this.#client?.stream.write(auth)
  }

  reauthenticated(): void {
    this.#link?.authenticated()
    this.#tell({ type: 'transport.reauthenticated' })
  }

  /** AUTH arrived. @throws {InvalidPacketError} */
  auth(frame: Frame): void {
    if (this.#authentication) this.#authentication.received(frame)
    else this.breached(UNSOLICITED_AUTH)
  }

  #unprepared(error: unknown): void {
    if (error instanceof SocketSourceError) {
      this.#options.onError(error.cause, 'socket')
      return this.fail(fromSocketSource(error.cause))
    }
    this.#options.onError(error, 'options')
    this.fail({ kind: 'options', name: errorName(error) })
  }

  /** @param provided - the socket, if the application has opened one */
  #connect(attempt: Attempt, provided?: DuplexStream): void {
    this.#phase = 'opening'
    this.#trial = attempt.trial
    this.#since = this.#options.time()
    const { hostname } = new URL(attempt.url)
    const { lookup } = this.#addresses
    const onSocket = (socket: AnySocket) => {
      this.#liveness.socket = socket
      this.#onAnswer = this.#addresses.follow(hostname, socket)
    }
    const packetIds = new ControlPacketIds(this.#options.packetIds)
    const receiver = new Receiver(attempt.connect, this.#liveness, this)
    this.#receiver = receiver
    const { client, parse } = openClient({
      url: attempt.url,
      lookup,
      onStream: (stream) => {
        receiver.tap = this.#options.packets?.follow(stream, attempt.connect.protocolVersion)
      },
      socket: provided,
      onData: (chunk) => receiver.push(chunk),
      options: {
        ...clientOptions(
          attempt,
          {
            onSocket,
            onClose: (...close) => this.#socketClosed(...close),
            onRefused: (response) => this.fail(fromUpgradeResponse(response)),
          },
          { lookup, socket: provided },
          this.#authentication,
        ),
        messageIdProvider: packetIds,
      },
    })
    this.#client = client
    receiver.parse = parse
    if (!this.#liveness.socket) onSocket(client.stream)
    this.#closed = watchForFailure(client, this)
    // mqtt-packet destroys the stream if the CONNECT can't be encoded.
    if (client.stream.errored) throw client.stream.errored
    client.on('packetreceive', (packet) => {
      receiver.restore(packet)
      this.#options.onControlPacket?.(packet, client.stream)
      this.#control(client, packet, attempt, packetIds)
    })
  }

  /** Called before MQTT.js handles a packet that does not carry data. */
  #control(client: MqttClient, packet: Packet, attempt: Attempt, packetIds: ControlPacketIds): void {
    if (this.#isClosed) return
    const breach = breachOf(packet, this.#link !== undefined)
    const failure = fromPacket(packet, client.options.protocolVersion)
    if (packet.cmd === 'connack') this.#answered(true)
    if (breach) this.breached(breach)
    else if (failure) this.fail(failure)
    else if (packet.cmd === 'connack' && !this.#link) {
      const accept = () => this.#accepted(client, packet, attempt, packetIds)
      if (this.#authentication) this.#authentication.connack(packet, this.#receiver, accept)
      else accept()
    }
  }

  /**
   * The CONNACK arrived. The session has to know at once, because packets in the same chunk are handled before any
   * microtask. MQTT.js handles the CONNACK later, and accepts subscriptions only after that.
   */
  #accepted(client: MqttClient, connack: IConnackPacket, attempt: Attempt, packetIds: ControlPacketIds): void {
    const { events, clock } = this.#options
    const { sessionPresent } = connack
    const limits = brokerStatus(connack, attempt)
    const link = new MqttLink({
      client,
      packetIds,
      events,
      clock,
      attempt,
      limits,
      line: this.#liveness.line,
      port: this,
    })
    this.#link = link
    if (this.#receiver) this.#receiver.link = link
    this.#since = this.#options.time()
    this.#trial?.accepted()
    this.#liveness.accepted(link, limits.keepalive)
    events.attached(link, sessionPresent)
    soon(() => {
      if (this.#phase !== 'opening') return
      this.#phase = 'open'
      this.#tell({ type: 'transport.opened', sessionPresent, reauthenticates: this.#authentication?.reauthenticates })
    })
  }

  /** Adds to a failure what this connection, and those before it, say about its cause. */
  #explained(failure: Failure): Failure {
    const answer = this.#authentication?.explained(failure) ?? failure
    const explained = this.#takeovers.judge(this.#liveness.explained(answer), this.#ended)
    return this.#trial && !this.#link ? judgeVersion(this.#trial, explained) : explained
  }

  get #ended(): EndedConnection | undefined {
    if (!this.#link) return undefined
    const { events, time } = this.#options
    const isAwaitingAnswer = events.isAwaitingAnswer()
    return { age: time() - this.#since, isAnswered: this.#receiver?.isAnswered ?? false, isAwaitingAnswer }
  }

  get #farewell(): Disconnect {
    return this.#options.farewell?.() ?? NORMAL_DISCONNECT
  }

  #release(disconnect?: Disconnect, failure?: Failure): void {
    this.#phase = 'closed'
    this.#provided?.end()
    this.#authentication?.close()
    this.#receiver?.close()
    this.#answered(false)
    const link = this.#link
    const wasIdle = this.#judged(() => this.#liveness.ended(failure), false)
    // DISCONNECT comes after everything that was sent before.
    if (disconnect) link?.flush()
    link?.close()
    const isOnePacket = link !== undefined && this.#options.events.detached(link, failure)
    if (!link && failure) this.#options.events.attemptFailed()
    if (wasIdle || isOnePacket) this.#tell({ type: 'transport.blameless' })
    const client = this.#client
    const tap = this.#receiver?.tap
    if (!client) return tap?.remove()
    const { clock, disconnectTimeout: timeout } = this.#options
    const close = { closed: this.#closed, disconnect, clock, timeout, isProvided: this.#provided !== undefined }
    this.#closing = closeClient(client, close).then(() => {
      tap?.remove()
      client.removeAllListeners()
      // An even later error can't be reported any more, but must not be thrown.
      client.on('error', () => {})
    })
  }

  /** @param hasAnswered - whether the server has answered the CONNECT */
  #answered(hasAnswered: boolean): void {
    this.#onAnswer?.(hasAnswered)
    this.#onAnswer = undefined
  }

  #socketClosed(closeCode: number, reason: string): void {
    const failure = fromCloseCode(closeCode, reason, this.isConnected)
    if (failure) this.fail(failure)
  }

  /** The time may be a function of the application, which throws. The socket is closed all the same. */
  #judged<Result>(judge: () => Result, otherwise: Result): Result {
    try {
      return judge()
    } catch {
      return otherwise
    }
  }

  /** A getter, because handlers may have closed the connection. */
  get #isClosed(): boolean {
    return this.#phase === 'closed'
  }
}
