import { writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

import { seeded } from '../lab/seeded.ts'
import { spreadOf } from '../lab/statistics.ts'
import { ChaosBroker } from './broker.ts'
import { eventually } from './eventually.ts'
import { faults, type FaultTargets } from './faults.ts'
import { activeHandles, leakedSince } from './handles.ts'
import type { Network } from './network.ts'
import type { ChaosOptions } from './options.ts'
import { Participants, KEEPALIVE, openNetwork } from './participants.ts'
import { choose } from './schedule.ts'

/** In milliseconds. The clients need this time to notice a lost connection. */
const NOTICED = 200
const RECOVERED_WITHIN = 30_000
const ENDED_WITHIN = 2_000

type Log = (line: string) => void

/** One run: all clients publish and subscribe while faults occur. Then the faults end, and the messages are counted. */
export async function runChaos(options: ChaosOptions, log: Log) {
  await using broker = await ChaosBroker.start()
  await using network = await openNetwork(broker)
  const handlesBefore = activeHandles()
  await using participants = await Participants.start(options, broker, network)
  const { ledger, readiness } = participants
  const fallen = await runFaults(
    options,
    participants,
    targetsOf(participants, broker, network, seeded(options.seed)),
    log,
  )
  await participants.drain()
  const { downtimes } = participants
  await participants[Symbol.asyncDispose]()
  // The proxies must still be open, because closing them would close sockets that a client has left open.
  await eventually(() => network.heldSockets + leakedSince(handlesBefore).length === 0, ENDED_WITHIN)
  const leaked = leakedSince(handlesBefore)
  using recordings = participants.recordings
  if (options.record !== undefined) writeFileSync(options.record, recordings.text)
  return {
    seconds: options.seconds,
    seed: options.seed,
    client: options.client,
    protocol: options.protocolVersion,
    ...fallen,
    ...ledger.summary(),
    ...recordings.replayed(),
    recoveries: readiness.recoveries.length,
    medianRecoveryMs: medianOf(readiness.recoveries),
    medianDowntimeMs: medianOf(downtimes),
    maxSockets: network.mostSockets,
    openSockets: network.heldSockets,
    leakedHandles: leaked.length,
    leaked,
  }
}

export type ChaosReport = Awaited<ReturnType<typeof runChaos>>

function targetsOf(
  participants: Participants,
  broker: ChaosBroker,
  network: Network,
  random: () => number,
): FaultTargets {
  return {
    broker,
    proxies: network.proxies,
    publisherProxies: participants.publisherProxies,
    // The number of messages depends on the machine, but the faults must not. So they have their own random numbers.
    random,
    keepalive: KEEPALIVE * 1_000,
    arrived: () => participants.arrived(5_000),
    subscribersReady: () => participants.subscribersReady(RECOVERED_WITHIN),
    forgotten: () => void participants.ledger.epoch++,
    back: () => participants.readiness.faultEnded(),
    killProcess: participants.killProcess,
  }
}

/** Counts how often each fault occurred, and how often a client did not recover. */
async function runFaults(
  { seconds, kinds }: ChaosOptions,
  { readiness }: Participants,
  targets: FaultTargets,
  log: Log,
) {
  const fallen: Record<string, number> = {}
  let notRecovered = 0
  const fall = async (name: string) => {
    const fell = await faults[name]?.(targets)
    readiness.faultEnded()
    if (fell) fallen[name] = (fallen[name] ?? 0) + 1
  }
  const end = Date.now() + seconds * 1_000
  while (Date.now() < end) {
    await sleep(200 + 1_000 * targets.random())
    const chosen = choose(kinds, targets.random)
    const [begun, before] = [performance.now(), readiness.recoveries.length]
    await Promise.all(chosen.map(fall))
    const took = Math.round(performance.now() - begun)
    await sleep(NOTICED)
    const recovered = await readiness.whenReady(RECOVERED_WITHIN)
    if (!recovered) notRecovered++
    log(
      `${chosen.join(' + ')}: ${took} ms, ${recovered ? backIn(readiness.recoveries.slice(before)) : 'NOT RECOVERED'}`,
    )
  }
  return { faults: fallen, notRecovered }
}

function backIn(recoveries: readonly number[]): string {
  if (recoveries.length === 0) return 'no client was interrupted'
  return `all ready again after ${recoveries.map((ms) => `${Math.round(ms)} ms`).join(', ')}`
}

function medianOf(values: readonly number[]): number | null {
  return values.length === 0 ? null : spreadOf(values).median
}
