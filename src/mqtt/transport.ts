import mqtt, { type MqttClient } from 'mqtt'
import type { IConnackPacket, Packet } from 'mqtt-packet'
import type { AnyEventObject, CallbackLogicFunction } from 'xstate'

import type { ConnectionFact, TransportCommand, TransportInput } from '../../machines/connection/types.ts'
import type { Failure } from '../../machines/failure.ts'
import type { Clock } from '../api/clock.ts'
import type { LinkEvents, PacketIdSource } from '../session/link.ts'
import { type Breach, breachOf, PACKET_TOO_LARGE } from './breach.ts'
import { type Attempt, clientOptions } from './client-options.ts'
import { closeClient, NORMAL } from './close.ts'
import { fromCloseCode, fromPacket, watchForFailure } from './failures.ts'
import { MqttLink } from './link.ts'
import { connectWithPasswordAlone } from './password-alone.ts'
import { SizeLimit } from './size-limit.ts'
import { EmptyStore, IncomingStore, SessionIds } from './stores.ts'
import { webSocketFactory } from './web-socket.ts'

/** What all transports of one client share. */
export interface TransportOptions {
  /** Evaluates the options, credentials and server of an attempt. Secrets enter here and never reach the machine. */
  readonly prepare: (input: TransportInput) => Attempt | Promise<Attempt>
  readonly events: LinkEvents
  readonly packetIds: PacketIdSource
  readonly clock: Clock
  /** How long a graceful close may take, in milliseconds. */
  readonly disconnectTimeout: number
  /** How long the answer to a PINGREQ may take after a WAKE, in milliseconds. */
  readonly probeTimeout: number
  /** Called with the error of a failed `prepare`. The machine gets only the kind of the failure. */
  readonly onError: (error: unknown) => void
}

/** What all connections of one client share. */
interface Shared extends TransportOptions {
  readonly ids: SessionIds
  readonly incomingStore: IncomingStore
}

/**
 * MQTT.js's own logger, which follows `DEBUG=mqttjs*`. MQTT.js would create one for each client, of more than 1 KiB.
 */
let log: MqttClient['log'] | undefined

/** The logic of a transport actor. */
export type Transport = CallbackLogicFunction<TransportCommand, AnyEventObject, TransportInput>

/**
 * Creates the logic of transport actors. One actor is one attempt: one `MqttClient`, one connection, one end. An actor
 * opens its socket only after the previous one has closed its own: two connections with the same client id would evict
 * each other.
 */
export function createTransport(options: TransportOptions): Transport {
  const shared = { ...options, ids: new SessionIds(options.packetIds), incomingStore: new IncomingStore() }
  let closing: Promise<void> | undefined

  return ({ input, sendBack, receive }) => {
    const connection = new Connection(shared, sendBack)
    const previous = closing
    receive(({ type }) => {
      if (type === 'PROBE') connection.probe()
      else if (type === 'DROP') connection.drop()
      else void Promise.all([previous, connection.close()]).then(() => sendBack({ type: 'transport.closed' }))
    })

    if (previous) void previous.then(() => connection.open(input))
    else void connection.open(input)

    return () => {
      const closed = Promise.all([previous, connection.close()]).then(() => {
        if (closing === closed) closing = undefined
      })
      closing = closed
    }
  }
}

class Connection {
  readonly #shared: Shared
  readonly #tell: (event: AnyEventObject & ConnectionFact) => void
  #phase: 'preparing' | 'opening' | 'open' | 'closed' = 'preparing'
  #client: MqttClient | undefined
  #link: MqttLink | undefined
  /** Resolves at the client's `close`. */
  #closed: Promise<void> = Promise.resolve()
  #closing: Promise<void> = Promise.resolve()
  #probeTimer: unknown

  constructor(shared: Shared, tell: (event: AnyEventObject & ConnectionFact) => void) {
    this.#shared = shared
    this.#tell = tell
  }

  async open(input: TransportInput): Promise<void> {
    if (this.#phase !== 'preparing') return
    try {
      const prepared = this.#shared.prepare(input)
      const attempt = prepared instanceof Promise ? await prepared : prepared
      if (this.#phase === 'preparing') this.#connect(attempt)
    } catch (error) {
      this.#shared.onError(error)
      this.#fail({ kind: 'options', name: error instanceof Error ? error.name : typeof error })
    }
  }

  /** Sends DISCONNECT if the connection is open. Resolves when no socket is left. */
  close(): Promise<void> {
    if (this.#phase !== 'closed') this.#release(this.#phase === 'open' ? NORMAL : undefined)
    return this.#closing
  }

  /** Sends PINGREQ. The connection ends if the answer is late. */
  probe(): void {
    if (this.#phase !== 'open' || this.#probeTimer !== undefined) return
    this.#client?.sendPing()
    const { clock, probeTimeout } = this.#shared
    this.#probeTimer = clock.setTimeout(() => this.#fail({ kind: 'timeout', phase: 'probe' }), probeTimeout)
  }

  /** Destroys the socket. MQTT.js and the machine see the same as after a broken line. */
  drop(): void {
    if (this.#phase !== 'open') return
    this.#client?.stream.destroy(Object.assign(new Error('dropped on request'), { code: 'ECONNABORTED' }))
  }

  #connect(attempt: Attempt): void {
    this.#phase = 'opening'
    const { events, ids, incomingStore } = this.#shared
    const client = mqtt.connect(attempt.url, {
      ...clientOptions(attempt),
      ...(log && { log }),
      messageIdProvider: ids,
      outgoingStore: new EmptyStore((packetId) => events.releasing(packetId)),
      incomingStore,
      createWebsocket: webSocketFactory((closeCode, reason) => {
        const failure = fromCloseCode(closeCode, reason)
        if (failure) this.#fail(failure)
      }),
    })
    if (client.options.manualConnect) connectWithPasswordAlone(client)
    log ??= client.log
    this.#client = client
    this.#closed = new Promise((resolve) => client.once('close', resolve))
    // mqtt-packet destroys the stream if the CONNECT can't be encoded.
    if (client.stream.errored) throw client.stream.errored
    watchForFailure(client, (failure) => this.#fail(failure))
    const { receiveMaximum, maximumPacketSize } = attempt.connect
    if (maximumPacketSize !== undefined) this.#limitPackets(client, maximumPacketSize)
    client.on('packetreceive', (packet) => this.#received(client, packet, receiveMaximum))
  }

  /** Checks the bytes before MQTT.js's parser, which collects packets of any size. */
  #limitPackets({ stream }: MqttClient, maximumPacketSize: number): void {
    const limit = new SizeLimit(maximumPacketSize)
    stream.prependListener('data', (chunk: Uint8Array) => {
      const size = this.#phase === 'closed' ? undefined : limit.exceededBy(chunk)
      if (size === undefined) return
      const message = `a packet of ${size} bytes, of which we take at most ${maximumPacketSize}`
      this.#breached({ message, reasonCode: PACKET_TOO_LARGE })
    })
  }

  /** Called before MQTT.js handles the packet. */
  #received(client: MqttClient, packet: Packet, receiveMaximum: number): void {
    this.#heard()
    const link = this.#link
    const breach = breachOf(packet, link !== undefined) ?? (packet.cmd === 'publish' ? link?.breach(packet) : undefined)
    const failure = fromPacket(packet, client.options.protocolVersion)
    if (breach) this.#breached(breach)
    else if (failure) this.#fail(failure)
    else if (packet.cmd !== 'connack') link?.received(packet)
    else if (this.#phase === 'opening') this.#accepted(client, packet, receiveMaximum)
    // MQTT.js would answer, and throw because of the missing id. A client must not answer a PINGREQ.
    if (this.#phase === 'closed' && packet.cmd !== 'connack') packet.cmd = 'pingreq'
  }

  /**
   * The CONNACK arrived. The session has to know at once, because packets in the same chunk are handled before any
   * microtask. MQTT.js handles the CONNACK later, and accepts packets only after that.
   */
  #accepted(client: MqttClient, connack: IConnackPacket, receiveMaximum: number): void {
    const { events, ids, incomingStore } = this.#shared
    const { sessionPresent } = connack
    if (!sessionPresent) incomingStore.clear()
    const fail = (failure: Failure, reasonCode: number) => this.#fail(failure, reasonCode)
    const link = new MqttLink({ client, ids, incomingStore, events, connack, receiveMaximum, fail })
    this.#link = link
    events.attached(link, sessionPresent)
    queueMicrotask(() => {
      if (this.#phase !== 'opening') return
      this.#phase = 'open'
      link.open()
      this.#tell({ type: 'transport.opened', sessionPresent })
    })
  }

  /** The server broke a rule of MQTT. On MQTT 5 it gets a DISCONNECT with the reason (§4.13.1). */
  #breached({ message, reasonCode }: Breach): void {
    this.#fail({ kind: 'protocol', message }, this.#link && reasonCode)
  }

  /** Ends this connection, once. @param reasonCode - of our DISCONNECT, if one is sent */
  #fail(failure: Failure, reasonCode?: number): void {
    if (this.#phase === 'closed') return
    this.#release(reasonCode, failure)
    this.#tell({ type: 'transport.failed', failure })
  }

  #release(reasonCode?: number, failure?: Failure): void {
    this.#phase = 'closed'
    this.#heard()
    this.#link?.close()
    if (this.#link && this.#shared.events.detached(this.#link, failure)) this.#tell({ type: 'transport.blameless' })
    const client = this.#client
    if (!client) return
    const { clock, disconnectTimeout } = this.#shared
    this.#closing = closeClient(client, this.#closed, reasonCode, clock, disconnectTimeout).then(() => {
      client.removeAllListeners()
      // An even later error can't be reported any more, but must not be thrown.
      client.on('error', () => {})
    })
  }

  #heard(): void {
    if (this.#probeTimer === undefined) return
    this.#shared.clock.clearTimeout(this.#probeTimer)
    this.#probeTimer = undefined
  }
}
