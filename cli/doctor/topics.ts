import type { Failure } from '../../machines/failure.ts'
import { reasonWithCode } from '../../src/api/reason-codes.ts'
import { TopicMatcher } from '../../src/session/subscriptions/topic-matcher.ts'
import { FIRST_ERROR } from '../../src/wire/packets.ts'
import { fault, type Finding, note, ok } from './finding.ts'
import { type Lab, within } from './lab.ts'
import { names } from './mqtt/connack.ts'
import type { Line } from './mqtt/dial.ts'
import { PUBACK, PUBLISH, type Received, SUBACK, type Version } from './mqtt/packets.ts'
import type { Outcome } from './way.ts'
import { inWords } from './words.ts'

/** A SUBSCRIBE or a PUBLISH, and what came of it. */
export interface Permission {
  /** A topic filter or a topic. */
  readonly topic: string
  /** Of the SUBACK or PUBACK; none for QoS 0. */
  readonly code?: number
  readonly reasonString?: string
  /** How the connection ended, or that no answer came. */
  readonly failure?: Failure
  /** Of a publish: whether it came back by a subscription; `undefined` if none of them matches. */
  readonly cameBack?: boolean
}

/** How long a message may take to come back. In milliseconds. */
const RETURN = 3_000

const PAYLOAD = 'xstate-mqtt doctor'

/** Subscribes to each filter by a packet of its own, so that it is known on which one a broker ends the connection. */
export async function measureSubscribe(line: Line, filters: readonly string[]): Promise<readonly Permission[]> {
  const permissions: Permission[] = []
  for (const topic of filters) {
    const opened = await line.open()
    if ('failure' in opened) {
      permissions.push({ topic, failure: opened.failure })
      continue
    }
    const { value: connection } = opened
    const messageId = connection.nextPacketId()
    const answer = await connection.exchange(
      // QoS 0 needs no acknowledgements. Retained messages are of no use here.
      { cmd: 'subscribe', messageId, subscriptions: [{ topic, qos: 0, rh: 2 }] },
      ({ type, packetId }) => type === SUBACK && packetId === messageId,
      { what: `the SUBACK for ${topic}` },
    )
    permissions.push({ topic, ...answerOf(answer) })
  }
  return permissions
}

/** Publishes one message to each topic, not retained, and sees whether it comes back by one of the subscriptions. */
export async function measurePublish(
  lab: Lab,
  line: Line,
  {
    topics,
    filters,
    qos,
  }: { readonly topics: readonly string[]; readonly filters: readonly string[]; readonly qos: 0 | 1 },
): Promise<readonly Permission[]> {
  const matcher = new TopicMatcher<true>()
  // A message of a shared subscription may go to another member.
  for (const filter of filters) if (!filter.startsWith('$share/')) matcher.add(filter, true)
  const permissions: Permission[] = []
  for (const topic of topics) {
    const returned = new Promise<void>((resolve) => {
      line.onPacket = (packet) => {
        if (packet.type === PUBLISH && packet.topic === topic) resolve()
      }
    })
    const permission = { topic, ...(await publish(line, topic, qos)) }
    const isExpected = matcher.match(topic).length > 0 && !permission.failure && (permission.code ?? 0) < FIRST_ERROR
    const cameBack =
      isExpected &&
      (await within(
        lab,
        `the message to ${topic}`,
        RETURN,
        returned.then(() => true),
      )) === true
    line.onPacket = () => {}
    permissions.push({ ...permission, ...(isExpected && { cameBack }) })
  }
  return permissions
}

export function subscribeFindings(permissions: readonly Permission[]): readonly Finding[] {
  return permissions.map(({ topic, code, reasonString, failure }) => {
    if (failure) return ended('subscribe', 'SUBSCRIBE', topic, failure)
    if (code !== undefined && code >= FIRST_ERROR) {
      return fault(
        'subscribe',
        'refused',
        `The broker refuses the subscription to ${topic}: ${reasonWithCode(code, reasonString)}. Its access list does not allow it for this user, or it does not support such a filter.`,
        'Allow the filter for this user in the access list of the broker, or correct the filter.',
      )
    }
    return ok('subscribe', `The broker grants the subscription to ${topic}.`)
  })
}

export function publishFindings(version: Version, permissions: readonly Permission[]): readonly Finding[] {
  return permissions.map((permission) => {
    const { topic, code, reasonString, failure, cameBack } = permission
    if (failure) return ended('publish', 'PUBLISH', topic, failure)
    if (code !== undefined && code >= FIRST_ERROR) {
      return fault(
        'publish',
        'refused',
        `The broker refuses a publish to ${topic}: ${reasonWithCode(code, reasonString)}. Its access list does not allow it for this user, or a rule for topics is broken.`,
        'Allow the topic for this user in the access list of the broker, or correct the topic.',
      )
    }
    if (cameBack === false) {
      return fault(
        'publish',
        'lost',
        `The broker ${code === undefined ? 'takes' : 'acknowledges'} a publish to ${topic}, and the message does not come back by the subscription that matches it: the broker denies one of the two without saying so, as mosquitto does.`,
        'Allow both the filter and the topic for this user in the access list of the broker.',
      )
    }
    if (cameBack) return ok('publish', `A message to ${topic} comes back by the subscription that matches it.`)
    if (version === 5 && code !== undefined) return ok('publish', `The broker accepts a publish to ${topic}.`)
    return note(
      'publish',
      'not-proven',
      `The broker ${code === undefined ? 'takes' : 'acknowledges'} a publish to ${topic}. ${code === undefined ? 'QoS 0' : names[4]} has no way to refuse one, so this does not prove that it is allowed: --subscribe ${topic} would.`,
    )
  })
}

function ended(check: 'subscribe' | 'publish', packet: string, topic: string, failure: Failure): Finding {
  if (failure.kind === 'timeout') {
    const text = `The broker does not answer the ${packet} for ${topic} in time.`
    return fault(check, 'no-answer', text, 'Look at the load and the log of the broker.')
  }
  const cause =
    failure.kind === 'disconnected'
      ? ''
      : ': it does not allow the topic for this user or client id, or the packet breaks one of its rules'
  return fault(
    check,
    'closed',
    `The broker ends the connection at the ${packet} for ${topic} (${inWords(failure)})${cause}.`,
    'Correct the topic, or allow it in the access list or the policy of the broker. Its log says more.',
  )
}

async function publish(line: Line, topic: string, qos: 0 | 1): Promise<Omit<Permission, 'topic'>> {
  const opened = await line.open()
  if ('failure' in opened) return { failure: opened.failure }
  const { value: connection } = opened
  if (qos === 0) {
    connection.send({ cmd: 'publish', topic, payload: PAYLOAD, qos, retain: false, dup: false })
    // The broker has handled the publish when it answers what follows it.
    const answer = await connection.ping()
    return 'failure' in answer ? { failure: answer.failure } : {}
  }
  const messageId = connection.nextPacketId()
  const answer = await connection.exchange(
    { cmd: 'publish', topic, payload: PAYLOAD, qos, retain: false, dup: false, messageId },
    ({ type, packetId }) => type === PUBACK && packetId === messageId,
    { what: `the PUBACK for ${topic}` },
  )
  return answerOf(answer)
}

function answerOf(answer: Outcome<Received>): Omit<Permission, 'topic'> {
  if ('failure' in answer) return { failure: answer.failure }
  const { codes, reasonString } = answer.value
  return { code: codes[0] ?? 0, ...(reasonString !== undefined && { reasonString }) }
}
