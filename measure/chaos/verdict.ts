import type { ChaosReport } from './run.ts'

/** The part of a report that is judged. */
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
  | 'client'
  | 'replayedSteps'
  | 'differing'
  | 'faults'
>

/** Lists what happened but must not happen, and what must happen but did not. */
export function violationsOf({
  maxSockets,
  silent,
  faults,
  client,
  replayedSteps,
  differing,
  ...report
}: Judged): string[] {
  const { lost, unsettled, outOfOrder, duplicatesQos2, refused, notRecovered, leakedHandles, openSockets } = report
  const nothing = { lost, unsettled, outOfOrder, duplicatesQos2, refused, notRecovered, leakedHandles, openSockets }
  return [
    ...Object.entries(nothing).flatMap(([name, count]) => (count > 0 ? [`${name}: ${count}`] : [])),
    ...(maxSockets > 1 ? [`maxSockets: ${maxSockets}`] : []),
    // If no message was accepted, none can be lost, so the result would mean nothing.
    ...silent.map((topic) => `accepted: nothing to ${topic}`),
    ...differing.map((where) => `differing: ${where}`),
    // Raw MQTT.js records nothing.
    ...(client === 'ours' && replayedSteps === 0 ? ['replayed: nothing'] : []),
    ...(Object.keys(faults).length === 0 ? ['faults: none'] : []),
  ]
}
