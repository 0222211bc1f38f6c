import { setTimeout as sleep } from 'node:timers/promises'

import type { ClientEvents } from '../src/api/events.ts'
import { ResilientMqttClient } from '../src/client.ts'
import { createEmbeddedBroker, type EmbeddedBroker } from '../testing/embedded-broker.ts'
import { createTokenAuthority, type TokenAuthority } from '../testing/token-authority.ts'
import { inSeconds } from './duration.ts'
import { interruption } from './interruption.ts'
import { Ledger } from './ledger.ts'
import { elapsedTime, Narrator } from './narrator.ts'
import { openPage } from './page.ts'
import type { Terminal } from './terminal.ts'
import { inWords, summarize, type Phase } from './verdict.ts'

const READINGS = 'demo/readings'
const QUESTIONS = 'demo/status/get'
const ANSWERS = 'demo/status'

/** In milliseconds. An outage that takes longer has gone wrong. */
const DEADLINE = 28_000
/** The lifetime of a token, in milliseconds. */
const LIFETIME = 11_000
/**
 * How long before its token expires the broker is killed, in milliseconds. The client tries the first recovery cycle after
 * 5 s, also on a busy computer before it would renew the token, and the second one after 8 s.
 */
const KILLED_BEFORE_EXPIRY = 7_700

export interface OutageOptions {
  /** Whether to repeat the outage until Ctrl-C. */
  readonly repeat: boolean
}

interface Demo {
  readonly terminal: Terminal
  readonly broker: EmbeddedBroker
  readonly authority: TokenAuthority
  readonly client: ResilientMqttClient
  readonly narrator: Narrator
  readonly ledger: Ledger
  readonly answers: Answers
  /** When the token in use expires, in milliseconds since 1970. */
  readonly expiresAt: () => number
}

interface RunningDemo extends Demo {
  readonly signal: AbortSignal
}

/**
 * Takes an embedded broker and a client through a complete outage, with short delays.
 *
 * @returns the exit code: 0 if the client went through all states and no accepted message was lost
 */
export async function runOutage(terminal: Terminal, { repeat }: OutageOptions): Promise<number> {
  await using page = await openPage('demo')
  const authority = createTokenAuthority({ lifetime: LIFETIME })
  await using broker = await createEmbeddedBroker({ authenticate: (_username, password) => authority.check(password) })
  let expiresAt = 0
  await using client = new ResilientMqttClient({
    url: broker.url,
    // Without jitter, so that the doubling can be seen. In production, keep the jitter.
    reconnect: { maxAttempts: 3, initialDelay: 500, maxDelay: 2_000, jitter: 'none' },
    recovery: { maxAttempts: 5, initialDelay: 1_500, maxDelay: 3_000, jitter: 'none' },
    // So that each outage begins with the first attempt.
    timeouts: { stableAfter: 1_000 },
    credentials: async ({ signal }) => {
      await sleep(400, undefined, { signal })
      const token = authority.issue()
      expiresAt = token.expiresAt
      return { username: 'demo', ...token }
    },
    ...page.inspection,
  })
  const ledger = new Ledger()
  const answers = new Answers()
  page.watch(client, () => {
    // Counts delivered messages, because accepted ones do not go out while there is no connection.
    const { delivered, duplicate } = ledger.balance
    return { published: delivered, received: delivered + duplicate + answers.total }
  })

  const title = repeat
    ? 'One outage after another, with short delays, until Ctrl-C'
    : 'A complete outage, with short delays'
  terminal.line(terminal.paint('bold', title))
  terminal.line(`Broker ${broker.url}, in this process. Readings are published with QoS 1 all the time.`)
  terminal.whole(page.header)
  terminal.line()
  const narrator = new Narrator(terminal, client, { time: elapsedTime(), activity: () => activity(ledger, client) })
  narrator.header()

  const demo = { terminal, broker, authority, client, narrator, ledger, answers, expiresAt: () => expiresAt }
  setUp(demo)
  return await (repeat ? runRepeatedly(demo) : runOnce(demo))
}

async function runOnce(demo: Demo): Promise<number> {
  const { terminal, client, narrator, ledger, answers, authority } = demo
  const problem = await runOneOutage(demo)
  await client.disconnect()
  narrator.end()
  const { failedAttempts, cycles } = client.status.counters
  const tokens = authority.issued
  const { path } = narrator
  const answered = answers.byPhase
  return summarize(terminal, { problem, path, balance: ledger.balance, answered, failedAttempts, cycles, tokens })
}

async function runRepeatedly(demo: Demo): Promise<number> {
  const { client, narrator, ledger } = demo
  const { signal } = interruption()
  let problem: string | undefined
  for (let outage = 1; !signal.aborted && problem === undefined; outage++) {
    problem = await runOneOutage(demo, signal)
    if (signal.aborted || problem !== undefined) break
    narrator.note(`outage ${outage} is over: ${inWords(ledger.balance)}`, 'green')
    // Ctrl-C also ends this pause.
    await newToken(demo, signal).catch(() => {})
  }
  if (problem !== undefined) narrator.note(problem, 'red')
  await client.disconnect()
  narrator.end()
  return problem === undefined ? 0 : 1
}

function setUp({ client, broker, ledger, answers }: Demo): void {
  client.subscribe(READINGS, (message) => ledger.receive(Number(message.text())), { qos: 1 })
  client.subscribe(ANSWERS, () => answers.count())
  client.startPeriodicRequests({ topic: QUESTIONS, payload: 'how are you?', interval: 500 })
  broker.onPublish(({ topic }) => {
    if (topic === QUESTIONS && broker.running) void broker.publish(ANSWERS, 'fine').catch(() => {})
  })
}

/** @returns what went wrong, or `undefined` */
async function runOneOutage(demo: Demo, interrupted?: AbortSignal): Promise<string | undefined> {
  const life = new AbortController()
  // Not `AbortSignal.timeout`, which keeps a process of Deno alive until then if it ever had a listener.
  const deadline = setTimeout(() => life.abort(), DEADLINE)
  const signal = interrupted === undefined ? life.signal : AbortSignal.any([life.signal, interrupted])
  try {
    await breakAndRestore({ ...demo, signal })
    return undefined
  } catch (error) {
    if (interrupted?.aborted) return undefined
    return signal.aborted ? `it took longer than ${inSeconds(DEADLINE)}` : messageOf(error)
  } finally {
    clearTimeout(deadline)
    life.abort()
  }
}

/** The events of one outage. They happen around the client, which must handle them without help. */
async function breakAndRestore(demo: RunningDemo): Promise<void> {
  const { broker, client, narrator, ledger, answers, expiresAt, signal } = demo
  const first = ledger.balance
  answers.begin('before')

  await client.connect({ signal })
  const stopped = new AbortController()
  const readings = publishReadings(demo, AbortSignal.any([stopped.signal, signal]))
  // No message must be on its way when the broker dies: it would lose those that it has acknowledged but not passed on.
  const settled = () => ledger.balance.delivered >= first.delivered + 8 && ledger.pending === 0
  const isTime = () => Date.now() >= expiresAt() - KILLED_BEFORE_EXPIRY
  await until(() => isTime() && settled() && answers.byPhase.before >= 3, signal)

  narrator.note('the broker is killed', 'red')
  // An answer that the client receives before it notices was sent before the outage.
  const noticed = next(client, 'connectionInterrupted', signal).then(() => answers.begin('during'))
  await Promise.all([noticed, client.waitFor('failed', { signal }), broker.stop()])
  await Promise.all([comeBack(demo), expire(demo), next(client, 'connected', signal)])
  answers.begin('after')
  const offline = ledger.balance.acceptedOffline - first.acceptedOffline
  narrator.note(`${offline} readings were accepted during the outage, and arrive now`, 'green')

  await until(() => answers.byPhase.after >= 4, signal)
  stopped.abort()
  await readings
  await until(() => ledger.pending === 0, signal)
}

/** Starts the broker again in the second recovery cycle. The first cycle still fails. */
async function comeBack({ broker, client, narrator, signal }: RunningDemo): Promise<void> {
  await until(() => client.status.cycle >= 2, signal)
  await sleep(800, undefined, { signal })
  await broker.start()
  narrator.note('the broker is back, without the client’s session', 'green')
}

/** Waits until the token expires, and says so. */
async function expire({ narrator, authority, expiresAt, signal }: RunningDemo): Promise<void> {
  const token = `token-${authority.issued}`
  await sleep(Math.max(0, expiresAt() - Date.now()), undefined, { signal })
  narrator.note(`${token} has expired: the broker would refuse it`, 'red')
}

/** Waits for a new token between two outages. It then expires in the next outage just as it did in the last. */
async function newToken({ authority }: Demo, signal: AbortSignal): Promise<void> {
  const { issued } = authority
  await until(() => authority.issued > issued, signal)
}

async function publishReadings({ client, ledger }: Demo, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const reading = ledger.accept(!client.isConnected)
    // The ledger counts what the subscriber receives, so the result of this publish is not needed.
    client.publish(READINGS, String(reading), { qos: 1 }).catch(() => {})
    await sleep(200, undefined, { signal }).catch(() => {})
  }
}

/** Resolves at the next event of this name. */
function next(client: ResilientMqttClient, event: keyof ClientEvents, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = client.on(event, () => {
      stop()
      resolve()
    })
    signal.addEventListener('abort', () => {
      stop()
      reject(new Error('aborted'))
    })
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
  return `${delivered} reading${delivered === 1 ? '' : 's'} delivered${size > 0 ? `, ${size} waiting` : ''}`
}

/** Counts the answers to the periodic request before, during and after the outage. */
class Answers {
  readonly byPhase: Record<Phase, number> = { before: 0, during: 0, after: 0 }
  total = 0
  #phase: Phase = 'before'

  /** Begins a phase of the outage with no answers. */
  begin(phase: Phase): void {
    this.#phase = phase
    this.byPhase[phase] = 0
  }

  count(): void {
    this.byPhase[this.#phase]++
    this.total++
  }
}
