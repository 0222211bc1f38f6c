import type { ChaosReport } from './run.ts'

/** What of a report the verdict is about. */
export type Judged = Pick<
  ChaosReport,
  | 'lost'
  | 'unsettled'
  | 'outOfOrder'
  | 'duplicatesQos2'
  | 'refused'
  | 'notRecovered'
  | 'leakedHandles'
  | 'openSockets'
  | 'maxSockets'
  | 'silent'
  | 'faults'
>

/** What must not happen, and did; what had to, and did not. */
export function violationsOf({ maxSockets, silent, faults, ...report }: Judged): string[] {
  const { lost, unsettled, outOfOrder, duplicatesQos2, refused, notRecovered, leakedHandles, openSockets } = report
  const nothing = { lost, unsettled, outOfOrder, duplicatesQos2, refused, notRecovered, leakedHandles, openSockets }
  return [
    ...Object.entries(nothing).flatMap(([name, count]) => (count > 0 ? [`${name}: ${count}`] : [])),
    ...(maxSockets > 1 ? [`maxSockets: ${maxSockets}`] : []),
    // Where nothing was accepted, nothing can be lost.
    ...silent.map((topic) => `accepted: nothing to ${topic}`),
    ...(Object.keys(faults).length === 0 ? ['faults: none'] : []),
  ]
}
