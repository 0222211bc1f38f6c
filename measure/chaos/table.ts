import type { ChaosReport } from './run.ts'

/** The report that `npm run chaos -- --json` writes. */
export type ChaosFigures = ChaosReport & { readonly day: string }

/** Runs beside each other, as a Markdown table. */
export function chaosTable(reports: readonly ChaosFigures[]): string {
  const row = (what: string, figure: (report: ChaosFigures) => string) =>
    `| ${what} | ${reports.map(figure).join(' | ')} |`
  const count = (what: string, figure: (report: ChaosFigures) => number) =>
    row(what, (report) => figure(report).toLocaleString('en'))
  return [
    `Taken on ${reports[0]?.day}.`,
    '',
    row('', nameOf),
    `| --- |${' ---: |'.repeat(reports.length)}`,
    count('faults', ({ faults }) => Object.values(faults).reduce((sum, each) => sum + each, 0)),
    count('accepted, QoS 1 and 2', ({ accepted }) => accepted),
    count('**lost**', ({ lost }) => lost),
    count('of these reported by an error', toldOf),
    count('**refused, and so never accepted**', ({ refused }) => refused),
    count('**never settled**', ({ unsettled }) => unsettled),
    count('**out of order**', ({ outOfOrder }) => outOfOrder),
    count('**QoS 2 twice**', ({ duplicatesQos2 }) => duplicatesQos2),
    count('QoS 2 twice, after the broker lost the session', (report) => report.duplicatesQos2AfterSessionLoss),
    count('QoS 1 twice', ({ duplicatesQos1 }) => duplicatesQos1),
    row(
      'QoS 0 lost',
      (report) => `${report.lostQos0.toLocaleString('en')} of ${report.acceptedQos0.toLocaleString('en')}`,
    ),
    count('**most sockets of a client at the same time**', ({ maxSockets }) => maxSockets),
    count('**leaked handles**', ({ leakedHandles }) => leakedHandles),
    count('**sockets left open at the end**', ({ openSockets }) => openSockets),
    count('**not recovered in 30 s**', ({ notRecovered }) => notRecovered),
    row('recorded steps that replay to the same state, **and clients that do not**', replaysOf),
    count('interruptions', ({ recoveries }) => recoveries),
    row(
      'median time from the end of the fault, or from the loss if it came later, until all clients are ready',
      (report) => milliseconds(report.medianRecoveryMs),
    ),
    row('median time from the loss until the same client is ready again', (report) =>
      milliseconds(report.medianDowntimeMs),
    ),
  ].join('\n')
}

/** How many QoS 1 and 2 messages were rejected with an error. */
function toldOf({ rejections }: ChaosFigures): number {
  return Object.entries(rejections).reduce((sum, [why, each]) => (why.startsWith('QoS 0') ? sum : sum + each), 0)
}

function replaysOf({ client, replayedSteps, differing }: ChaosFigures): string {
  return client === 'ours' ? `${replayedSteps.toLocaleString('en')}, ${differing.length}` : '–'
}

function nameOf({ client, protocol, seed }: ChaosFigures): string {
  return `${client === 'ours' ? 'ours' : 'MQTT.js'}, ${protocol === 5 ? 'MQTT 5' : '3.1.1'}, seed ${seed}`
}

function milliseconds(value: number | null): string {
  return value === null ? '–' : `${Math.round(value)} ms`
}
