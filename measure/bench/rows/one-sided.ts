import type { PeerName, Transport } from '../peers/peer.ts'
import { runWorker } from '../run-worker.ts'
import type { OneSideTask } from '../work/one-side.ts'
import { allClients, ourselvesAndRaw, type Case, type MetricRule, type Row } from './row.ts'

type Task = Pick<OneSideTask, 'side' | 'qos' | 'payloadBytes' | 'transport' | 'oneByOne'>

/** One direction, so that neither a broker nor the other side is part of the figure. */
export function oneSidedRow(side: 'send' | 'receive', qos: 0 | 1 | 2, target?: number): Row {
  const sized = (payloadBytes: number): Task => ({ side, qos, payloadBytes, transport: 'tcp' })
  // aws-crt does not support QoS 2.
  const contenders = qos === 2 ? ourselvesAndRaw : allClients
  const more = { contenders, full: true }
  return {
    what: `${side === 'send' ? 'publishing to' : 'receiving from'} a server that does nothing else, QoS ${qos}`,
    metrics: { cpu: cpu(target) },
    cases: [
      { name: '64 B', contenders, measure: measure(sized(64)) },
      // With QoS 0, a client that calls back at once would never leave this loop.
      ...(side === 'send' && qos > 0
        ? [{ name: '64 B, one by one', ...more, measure: measure({ ...sized(64), oneByOne: true }) }]
        : []),
      { name: '16 B', ...more, measure: measure(sized(16)) },
      { name: '4 KiB', ...more, measure: measure(sized(4_096)) },
      { name: '256 KiB', ...more, measure: measure(sized(262_144)) },
    ],
  }
}

/** Both directions over TLS or WebSocket. */
export function transportRow(name: string, transport: Transport): Row {
  return {
    what: `publishing to and receiving from such a server over ${name}, QoS 1, 64 bytes`,
    metrics: { cpu: cpu() },
    cases: (['send', 'receive'] as const).map((side) => ({
      name: side,
      contenders: ourselvesAndRaw,
      measure: measure({ side, qos: 1, payloadBytes: 64, transport }),
    })),
  }
}

function cpu(target?: number): MetricRule {
  return { unit: 'µs CPU/message', better: 'less', ...(target !== undefined && { ratio: target }) }
}

function measure(task: Task): Case['measure'] {
  return (contender, { quick, serverPorts }) => {
    const [warmUp, measured] = quick ? [100, 100] : [600, 800]
    const peer = contender as PeerName
    const port = serverPorts[task.transport]
    return runWorker({ kind: 'one-side', peer, port, ...task, warmUp, measure: measured }, 30_000).result
  }
}
