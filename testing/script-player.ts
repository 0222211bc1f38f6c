import type {
  IAuthPacket,
  IConnackPacket,
  IConnectPacket,
  IPublishPacket,
  ISubscribePacket,
  IUnsubscribePacket,
  Packet,
} from 'mqtt-packet'

import { TopicMatcher } from '../src/session/subscriptions/topic-matcher.ts'
import type { LiveConnection } from './live-connection.ts'
import type { Action, Answer, Behaviour, Connack, Moment, Respond, Step } from './script.ts'

/** Plays the server's side of one connection: the script's steps, or otherwise the answers of a correct broker. */
export class ScriptPlayer {
  readonly #connection: LiveConnection
  readonly #hits = new Map<Step, number>()
  #maximumQoS = 2
  /** Of the CONNECT. */
  #method: string | undefined
  /** Whether a CONNACK with success was sent. */
  #isAccepted = false
  /** How many packets of the exchange under way have arrived. */
  #authSteps = 0

  constructor(connection: LiveConnection) {
    this.#connection = connection
  }

  /** Called when TCP is accepted. Returns false if a step replaces the normal behaviour. */
  accept(): boolean {
    return !this.#takes('accept')
  }

  receive(packet: Packet): void {
    const connection = this.#connection
    if (connection.connect === undefined) {
      return connection.refuse(new Error(`The first packet was ${packet.cmd}, not connect`))
    }
    if (this.#takes(packet.cmd as Moment, packet)) return
    const { delay = 0 } = connection.behaviour
    // A DISCONNECT has no answer to delay, and it must be handled before the FIN that follows it.
    if (delay > 0 && packet.cmd !== 'disconnect') connection.later(delay, () => this.#answer(packet))
    else this.#answer(packet)
  }

  #answer(packet: Packet): void {
    const connection = this.#connection
    const { messageId = 0 } = packet
    if (connection.isEnding) return
    switch (packet.cmd) {
      case 'connect':
        return this.#answerConnect(packet)
      case 'auth':
        return this.#answerAuth(packet)
      case 'publish':
        return this.#answerPublish(packet)
      case 'subscribe':
        return this.#answerSubscribe(packet)
      case 'unsubscribe':
        return this.#answerUnsubscribe(packet)
      case 'pubrel':
        connection.send({ cmd: 'pubcomp', messageId })
        return
      case 'pubrec':
        if ((packet.reasonCode ?? 0) < 0x80) connection.send({ cmd: 'pubrel', messageId })
        return
      case 'pingreq':
        if (connection.behaviour.pingresp !== false) connection.send({ cmd: 'pingresp' })
        return
      case 'disconnect':
        return connection.hangUp('client', 'disconnect')
      default: // acknowledgements of the server's own publishes
    }
  }

  #answerConnect(packet: IConnectPacket): void {
    const connection = this.#connection
    if (packet !== connection.connect) return connection.refuse(new Error('A second connect arrived'))
    const { authenticationMethod, authenticationData } = packet.properties ?? {}
    if (authenticationMethod === undefined) return this.#sendConnack(packet)
    this.#method = authenticationMethod
    this.#authenticate(packet, authenticationData)
  }

  #answerAuth({ reasonCode, properties = {} }: IAuthPacket): void {
    const connection = this.#connection
    const { connect } = connection
    if (!connect || this.#method === undefined) {
      return connection.refuse(new Error('An auth arrived without an Authentication Method in the connect'))
    }
    if (properties.authenticationMethod !== this.#method) {
      return connection.refuse(new Error('An auth arrived with another Authentication Method'))
    }
    if (this.#isAccepted && reasonCode === 0x19) this.#authSteps = 0
    if (reasonCode !== (this.#authSteps > 0 ? 0x18 : 0x19)) {
      return connection.refuse(new Error(`An auth arrived with the reason code ${reasonCode}`))
    }
    this.#authenticate(connect, properties.authenticationData)
  }

  /** Answers a step of an exchange, that of the CONNECT or another. */
  #authenticate(connect: IConnectPacket, data: Buffer | undefined): void {
    const connection = this.#connection
    const { auth = { success: undefined } } = connection.behaviour
    const method = this.#method ?? ''
    const reauthentication = this.#isAccepted
    const step = { method, data, n: ++this.#authSteps, reauthentication }
    const answer = typeof auth === 'function' ? auth(step) : auth
    if (answer === false) return
    const send = (reasonCode: number, given: string | Uint8Array | undefined) =>
      connection.send({ cmd: 'auth', reasonCode, properties: authProperties(method, given) })
    if ('challenge' in answer) {
      send(0x18, answer.challenge)
      return
    }
    this.#authSteps = 0
    if ('refuse' in answer) {
      if (reauthentication) perform({ disconnect: { reasonCode: answer.refuse } }, connection)
      else this.#sendConnack(connect, { reasonCode: answer.refuse })
    } else if (reauthentication) send(0, answer.success)
    else this.#sendConnack(connect, {}, authProperties(method, answer.success))
  }

  #sendConnack(packet: IConnectPacket, refusal: Connack = {}, authentication: Connack['properties'] = {}): void {
    const connection = this.#connection
    const { connack = {} } = connection.behaviour
    const scripted = typeof connack === 'function' ? connack(packet) : connack
    if (scripted === false) return

    const { reasonCode = 0, sessionPresent = false, properties = {} } = { ...scripted, ...refusal }
    this.#maximumQoS = properties.maximumQoS ?? 2
    // MQTT 5 §3.1.3.1: a client without an identifier gets the assigned one in the CONNACK.
    const assigned = packet.clientId === '' ? { assignedClientIdentifier: `client-${connection.n}` } : {}
    const sent: IConnackPacket = {
      cmd: 'connack',
      returnCode: reasonCode,
      reasonCode,
      sessionPresent,
      properties: { ...assigned, ...authentication, ...properties },
    }
    connection.send(sent)
    this.#isAccepted = reasonCode === 0
    if (reasonCode !== 0) connection.close()
    else this.#takes('connack', sent)
  }

  #answerPublish(packet: IPublishPacket): void {
    this.#acknowledge(packet)
    const { responseTopic, correlationData } = packet.properties ?? {}
    if (responseTopic === undefined) return
    const payload = respondFor(this.#connection.behaviour.respond, packet)?.(packet)
    if (payload === undefined) return
    this.#connection.publish(responseTopic, payload, { properties: { ...(correlationData && { correlationData }) } })
  }

  #acknowledge(packet: IPublishPacket): void {
    if (packet.qos === 0) return
    const { puback = 0 } = this.#connection.behaviour
    const reasonCode = answerFor(puback, packet)
    if (reasonCode === false) return
    const cmd = packet.qos === 1 ? 'puback' : 'pubrec'
    this.#connection.send({ cmd, messageId: packet.messageId ?? 0, reasonCode })
  }

  #answerSubscribe(packet: ISubscribePacket): void {
    const { behaviour, connect } = this.#connection
    const { suback } = behaviour
    if (packet.subscriptions.length === 0) return this.#connection.refuse(new Error('A subscribe had no topic filter'))
    if (suback === false) return
    const granted = packet.subscriptions.map((subscription) => {
      const code = typeof suback === 'function' ? suback(subscription) : codeOf(suback, subscription.topic)
      if (code === undefined) return Math.min(subscription.qos, this.#maximumQoS)
      return connect?.protocolVersion === 5 ? code : Math.min(code, 0x80)
    })
    for (const [index, { topic }] of packet.subscriptions.entries()) {
      if ((granted[index] ?? 0) < 0x80) this.#connection.subscriptions.add(topic)
    }
    this.#connection.send({ cmd: 'suback', messageId: packet.messageId ?? 0, granted })
  }

  #answerUnsubscribe({ unsubscriptions, messageId = 0 }: IUnsubscribePacket): void {
    for (const filter of unsubscriptions) this.#connection.subscriptions.delete(filter)
    if (unsubscriptions.length === 0) this.#connection.refuse(new Error('An unsubscribe had no topic filter'))
    else this.#connection.send({ cmd: 'unsuback', messageId, granted: unsubscriptions.map(() => 0) })
  }

  // Each fitting step counts its hits, so that "the third publish" does not depend on earlier steps in the list.
  #takes(at: Moment, packet?: Packet): boolean {
    let taken: Step | undefined
    for (const step of this.#connection.behaviour.steps ?? []) {
      if (step.at !== at || !isAbout(step, packet)) continue
      const hit = (this.#hits.get(step) ?? 0) + 1
      this.#hits.set(step, hit)
      if (step.nth === undefined || step.nth === hit) taken ??= step
    }
    if (!taken) return false
    const step = taken
    const act = () => perform(step.do as AnyAction, this.#connection, packet)
    if (step.after) this.#connection.later(step.after, act)
    else act()
    return true
  }
}

function authProperties(
  authenticationMethod: string,
  data: string | Uint8Array | undefined,
): { authenticationMethod: string; authenticationData?: Buffer } {
  return { authenticationMethod, ...(data !== undefined && { authenticationData: Buffer.from(data) }) }
}

/** Performs one action on a connection. */
export function perform(action: AnyAction, connection: LiveConnection, packet?: Packet): void {
  if (typeof action === 'function') return action(connection, packet)
  if (action === 'ignore') return
  if (action === 'close') return connection.close()
  if (action === 'reset') return connection.reset()
  if (action === 'malformed') return void connection.write(MALFORMED)
  if ('close' in action && typeof action.close === 'number') return connection.close(action.close, action.reason)
  if ('bytes' in action) return void connection.write(action.bytes)
  if ('send' in action) return void connection.send(action.send)
  if ('disconnect' in action) {
    const sent = connection.disconnect(action.disconnect)
    if (action.close !== false) connection.hangUp('server', sent ? 'disconnect' : 'fin')
  }
}

type AnyAction = Action | ((connection: LiveConnection, packet: Packet | undefined) => void)

// Control packet type 0 is forbidden in every version (MQTT 5 §2.1.2).
const MALFORMED = Buffer.from([0x00, 0x00])

function isAbout(step: Step, packet: Packet | undefined): boolean {
  if (step.topic === undefined) return true
  return packet?.cmd === 'publish' && matches(step.topic, packet.topic)
}

function matches(filter: string, topic: string): boolean {
  const matcher = new TopicMatcher<string>()
  matcher.add(filter, filter)
  return matcher.match(topic).length > 0
}

type PubackAnswers = Answer | Readonly<Record<string, Answer>> | ((publish: IPublishPacket) => Answer)

function answerFor(answers: PubackAnswers, packet: IPublishPacket): Answer {
  if (typeof answers === 'function') return answers(packet)
  if (typeof answers !== 'object') return answers
  return Object.entries(answers).find(([filter]) => matches(filter, packet.topic))?.[1] ?? 0
}

function respondFor(respond: Behaviour['respond'], packet: IPublishPacket): Respond | undefined {
  if (typeof respond !== 'object') return respond
  return Object.entries(respond).find(([filter]) => matches(filter, packet.topic))?.[1]
}

function codeOf(codes: number | Readonly<Record<string, number>> | undefined, filter: string): number | undefined {
  if (typeof codes !== 'object') return codes
  return Object.hasOwn(codes, filter) ? codes[filter] : undefined
}
