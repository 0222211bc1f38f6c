import { openFilesMissing } from '../environment.ts'
import type { PeerName } from '../peers/peer.ts'
import { runWorker } from '../run-worker.ts'
import { allClients, ourselvesAndRaw, type Case, type Row } from './row.ts'

/** How long the open connections rest before their CPU time is measured, in milliseconds: see `IdleTask`. */
const REST = 75_000
/** In seconds. */
const KEEP_ALIVE = 10

export const memoryRow: Row = {
  what: 'memory for each idle connection',
  metrics: {
    rss: { unit: 'KiB', better: 'less', ratio: 1.35 },
    heap: { unit: 'KiB', better: 'less' },
  },
  cases: idleCases(0, 0),
  rounds: 3,
}

export const cpuRow: Row = {
  what: `CPU time for each idle connection and minute, keep alive ${KEEP_ALIVE} s`,
  metrics: { cpu: { unit: 'ms', better: 'less', ratio: 1.1 } },
  cases: idleCases(REST, 20_000),
  rounds: 2,
}

function idleCases(rest: number, duration: number): Case[] {
  return [
    { name: '2,000 connections', contenders: allClients, measure: measure(2_000, rest, duration) },
    { name: '500 connections', contenders: ourselvesAndRaw, full: true, measure: measure(500, rest, duration) },
    {
      name: '10,000 connections',
      contenders: ourselvesAndRaw,
      full: true,
      missing: () => openFilesMissing(10_500),
      measure: measure(10_000, rest, duration),
    },
  ]
}

function measure(connections: number, rest: number, duration: number): Case['measure'] {
  return (contender, { port, quick }) => {
    const peer = contender as PeerName
    const sizes = quick
      ? { connections: 100, rest: 0, duration: Math.min(200, duration) }
      : { connections, rest, duration }
    return runWorker({ kind: 'idle', peer, port, keepalive: KEEP_ALIVE, ...sizes }, 300_000).result
  }
}
