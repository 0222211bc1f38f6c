import { useMemo } from 'react'
import { useMessages, useSubscription } from 'xstate-mqtt/react'

import { codecs, HISTORY, type Reading, topics } from './plant.ts'

/** The readings of the last minute, oldest first. What an outage has left out comes with the history. */
export function useReadings(sensor: string): {
  readonly readings: readonly Reading[]
  readonly error: Error | undefined
} {
  const { value: history, error: refusal } = useSubscription(topics.history(sensor), { qos: 1, codec: codecs.history })
  const { messages, error } = useMessages(topics.reading(sensor), { codec: codecs.reading, limit: 300 })
  const readings = useMemo(() => {
    const byTime = new Map<number, Reading>()
    for (const reading of history ?? []) byTime.set(reading.at, reading)
    for (const { value } of messages) byTime.set(value.at, value)
    const sorted = [...byTime.values()].toSorted((one, other) => one.at - other.at)
    const end = sorted.at(-1)?.at ?? 0
    return sorted.filter(({ at }) => at > end - HISTORY)
  }, [history, messages])
  return { readings, error: error ?? refusal }
}
