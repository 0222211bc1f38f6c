import type { Alarm } from './plant.ts'

export type AlarmsByTopic = Readonly<Record<string, Alarm>>

/**
 * Takes in what the plant says about an alarm. A broker may send a retained message after a newer one, and an operator must not
 * have to acknowledge the same alarm again.
 */
export function withNews(alarms: AlarmsByTopic, topic: string, alarm: Alarm): AlarmsByTopic {
  const known = alarms[topic]
  const isOlder = known?.acknowledged && alarm?.since === known.since && !alarm.acknowledged
  return isOlder ? alarms : { ...alarms, [topic]: alarm }
}
