/** @jsxImportSource react */
import { useMqttStatus } from 'xstate-mqtt/react'

import type { Sensor } from './plant.ts'
import { Sparkline } from './sparkline.tsx'
import { timeOfDay } from './time-of-day.ts'
import { useReadings } from './use-readings.ts'

export function SensorCard({ sensor }: { readonly sensor: Sensor }) {
  const { name, unit, digits, low, high } = sensor
  const { readings, error } = useReadings(sensor.id)
  const isOnline = useMqttStatus(({ state }) => state === 'connected')
  const latest = readings.at(-1)
  const values = readings.map(({ value }) => value)
  const show = (value: number) => value.toFixed(digits)
  const level = latest ? levelOf(latest.value, sensor) : 'unknown'
  return (
    <li className={`card sensor ${level} ${isOnline ? '' : 'stale'}`} data-test={`sensor-${sensor.id}`}>
      <h3>{name}</h3>
      {error && <p role="alert">{error.message}</p>}
      <p className="value">
        {latest ? show(latest.value) : '–'} <span className="unit">{unit}</span>
      </p>
      <Sparkline readings={readings} low={low} high={high} />
      <p className="facts">
        <span className="level">{LEVELS[level]}</span>
        <span>
          {!isOnline && latest
            ? `as of ${timeOfDay(latest.at)}`
            : values.length > 1 && `${show(Math.min(...values))} – ${show(Math.max(...values))} in 1 min`}
        </span>
      </p>
    </li>
  )
}

const LEVELS = { low: '▼ Low', high: '▲ High', normal: 'Normal', unknown: 'No reading yet' } as const

function levelOf(value: number, { low, high }: Sensor): keyof typeof LEVELS {
  if (low !== undefined && value < low) return 'low'
  return high !== undefined && value > high ? 'high' : 'normal'
}
