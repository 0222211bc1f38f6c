import { setTimeout as sleep } from 'node:timers/promises'

import { ResilientMqttClient } from '../client.ts'
import type { ConnectionState } from '../events.ts'
import { createEmbeddedBroker, type EmbeddedBroker } from '../testing/embedded-broker.ts'
import { createTokenAuthority, type TokenAuthority } from '../testing/token-authority.ts'
import { inSeconds } from './duration.ts'
import { Ledger } from './ledger.ts'
import { elapsedTime, Narrator } from './narrator.ts'
import type { Terminal } from './terminal.ts'

const READINGS = 'demo/readings'
const QUESTIONS = 'demo/status/get'
const ANSWERS = 'demo/status'

/** In this order, with whatever else between them: one whole outage. */
const EXPECTED: readonly ConnectionState[] = [
  'connected',
  'reconnecting',
  'failed',
  'recovering',
  'refreshingToken',
  'connecting',
  'connected',
  'disconnected',
]

/** Beyond this something is wrong. In milliseconds. */
const DEADLINE = 28_000

/** How the periodic request fared. */
interface Asked {
  before: number
  during: number
  after: number
}

interface Stage {
  readonly terminal: Terminal
  readonly broker: EmbeddedBroker
  readonly authority: TokenAuthority
  readonly client: ResilientMqttClient
  readonly narrator: Narrator
  readonly ledger: Ledger
  readonly answered: Asked
  readonly signal: AbortSignal
  /** When the token in use expires, in milliseconds since 1970. */
  readonly expiresAt: () => number
}

/**
 * Takes an embedded broker and a client through one whole outage, with short delays.
 *
 * @returns the exit code: 0 if it went through every state and nothing that was accepted was lost
 */
export async function runOutage(terminal: Terminal): Promise<number> {
  const authority = createTokenAuthority({ lifetime: 9_000 })
  await using broker = await createEmbeddedBroker({ authenticate: (_username, password) => authority.check(password) })
  let expiresAt = 0
  await using client = new ResilientMqttClient({
    url: broker.url,
    // Without jitter, so that the doubling can be seen. In production keep it.
    reconnect: { maxAttempts: 3, initialDelay: 500, maxDelay: 2_000, jitter: 'none' },
    recovery: { maxAttempts: 5, initialDelay: 1_500, maxDelay: 3_000, jitter: 'none' },
    credentials: async ({ signal }) => {
      await sleep(400, undefined, { signal })
      const token = authority.issue()
      expiresAt = token.expiresAt
      return { username: 'demo', ...token }
    },
  })
  const ledger = new Ledger()
  const answered: Asked = { before: 0, during: 0, after: 0 }

  terminal.line(terminal.paint('bold', 'One whole outage, with short delays'))
  terminal.line(`Broker ${broker.url}, in this process. QoS 1 readings all the time.`)
  terminal.line()
  const narrator = new Narrator(terminal, client, { time: elapsedTime(), activity: () => activity(ledger, client) })
  narrator.header()

  const life = new AbortController()
  const signal = AbortSignal.any([life.signal, AbortSignal.timeout(DEADLINE)])
  const stage = { terminal, broker, authority, client, narrator, ledger, answered, signal, expiresAt: () => expiresAt }
  let problem: string | undefined
  try {
    await play(stage)
  } catch (error) {
    problem = signal.aborted ? `it took longer than ${inSeconds(DEADLINE)}` : messageOf(error)
  } finally {
    life.abort()
    await client.disconnect()
    narrator.end()
  }
  return summarize(stage, problem)
}

/** The play itself: what happens around the client. What the client makes of it is its own business. */
async function play(stage: Stage): Promise<void> {
  const { broker, client, narrator, ledger, answered, signal } = stage
  let act: keyof Asked = 'before'
  client.subscribe(READINGS, (message) => ledger.receive(Number(message.text())), { qos: 1 })
  client.subscribe(ANSWERS, () => void answered[act]++)
  client.startPeriodicRequests({ topic: QUESTIONS, payload: 'how are you?', interval: 500 })
  broker.onPublish(({ topic }) => {
    if (topic === QUESTIONS && broker.running) void broker.publish(ANSWERS, 'fine').catch(() => {})
  })

  await client.connect({ signal })
  const stopped = new AbortController()
  const readings = publishReadings(stage, AbortSignal.any([stopped.signal, signal]))
  // Nothing is on its way when the broker dies: what it has acked and not passed on, it takes with it.
  await until(() => ledger.balance.delivered >= 8 && ledger.pending === 0 && answered.before >= 3, signal)

  act = 'during'
  narrator.note('the broker is killed', 'red')
  await Promise.all([client.waitFor('failed', { signal }), broker.stop()])
  await Promise.all([comeBack(stage), expire(stage), readyAgain(client, signal)])
  act = 'after'
  const { acceptedOffline } = ledger.balance
  narrator.note(`${acceptedOffline} readings were accepted meanwhile: they arrive now`, 'green')

  await until(() => answered.after >= 4, signal)
  stopped.abort()
  await readings
  await until(() => ledger.pending === 0, signal)
}

/** The broker comes back in the second recovery cycle: the first still finds nobody. */
async function comeBack({ broker, client, narrator, signal }: Stage): Promise<void> {
  await until(() => client.status.cycle >= 2, signal)
  await sleep(800, undefined, { signal })
  await broker.start()
  narrator.note('the broker is back, with nothing left of our session', 'green')
}

/** Meanwhile the token expires. */
async function expire({ narrator, authority, expiresAt, signal }: Stage): Promise<void> {
  const token = `token-${authority.issued}`
  await sleep(Math.max(0, expiresAt() - Date.now()), undefined, { signal })
  narrator.note(`${token} has expired: the broker would refuse it`, 'red')
}

async function publishReadings({ client, ledger }: Stage, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const reading = ledger.accept(!client.isConnected)
    // What became of it the ledger knows, by what the subscriber received.
    client.publish(READINGS, String(reading), { qos: 1 }).catch(() => {})
    await sleep(200, undefined, { signal }).catch(() => {})
  }
}

/** Resolves when messages flow again. */
function readyAgain(client: ResilientMqttClient, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    client.on('connected', () => resolve())
    signal.addEventListener('abort', () => reject(new Error('aborted')))
  })
}

async function until(condition: () => boolean, signal: AbortSignal): Promise<void> {
  while (!condition()) await sleep(5, undefined, { signal })
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function activity(ledger: Ledger, client: ResilientMqttClient): string {
  const { delivered } = ledger.balance
  const { size } = client.outbox
  return `${delivered} reading${delivered === 1 ? '' : 's'} delivered${size > 0 ? `, ${size} wait` : ''}`
}

function summarize(stage: Stage, problem: string | undefined): number {
  const { terminal, client, ledger, answered, authority } = stage
  const { accepted, delivered, lost, duplicate, inOrder, acceptedOffline } = ledger.balance
  const problems = problemsOf(stage, problem)
  const good = problems.length === 0
  const { counters } = client.status
  const row = (name: string, text: string) => terminal.line(`  ${terminal.paint('dim', name.padEnd(10))}${text}`)

  terminal.line()
  const title = good ? '✓ Through every state of an outage, without a restart' : '✕ Something went wrong'
  terminal.line(terminal.paint(['bold', good ? 'green' : 'red'], title))
  for (const each of problems) terminal.line(`  ${terminal.paint('red', each)}`)
  row('readings', `${accepted} accepted, ${delivered} delivered, ${lost} lost, ${duplicate} duplicate`)
  row('', `${acceptedOffline} of them accepted while offline; ${inOrder ? 'all in order' : 'not in order'}`)
  row(
    'requests',
    `${answered.before} answered before the outage, ${answered.during} during it, ${answered.after} after it`,
  )
  row(
    'tries',
    `${counters.failedAttempts} failed attempts, ${counters.cycles} recovery cycles, ${authority.issued} tokens`,
  )
  return good ? 0 : 1
}

function problemsOf({ narrator, ledger, answered }: Stage, problem: string | undefined): string[] {
  const { lost, inOrder } = ledger.balance
  const missing = missingState(narrator.path)
  return [
    problem,
    missing && `the client never came to ${missing}`,
    lost > 0 && `${lost} accepted readings were lost`,
    !inOrder && 'readings arrived out of order',
    answered.after === 0 && 'the periodic request did not run again',
  ].filter((each) => typeof each === 'string')
}

/** The first state of the outage that was not come to in its turn. */
export function missingState(path: readonly ConnectionState[]): ConnectionState | undefined {
  let from = 0
  return EXPECTED.find((state) => {
    const index = path.indexOf(state, from)
    from = index + 1
    return index === -1
  })
}
