/** What the plant and the page agree on: topics, payloads and limits. */
import { json } from 'xstate-mqtt'

export interface Sensor {
  readonly id: string
  readonly name: string
  readonly unit: string
  readonly digits: number
  /** Below it, the plant raises an alarm. */
  readonly low?: number
  /** Above it, the plant raises an alarm. */
  readonly high?: number
}

export const sensors: readonly Sensor[] = [
  { id: 'inlet', name: 'Inlet temperature', unit: '°C', digits: 1, high: 35 },
  { id: 'outlet', name: 'Outlet temperature', unit: '°C', digits: 1, high: 60 },
  { id: 'flow', name: 'Flow', unit: 'm³/h', digits: 1, low: 8 },
  { id: 'pressure', name: 'Pressure', unit: 'bar', digits: 2, low: 1.5, high: 4 },
  { id: 'level', name: 'Tank level', unit: '%', digits: 0, low: 20 },
  { id: 'vibration', name: 'Pump vibration', unit: 'mm/s', digits: 2, high: 4.5 },
]

/** One value of a sensor. `at` is in milliseconds since 1970. */
export interface Reading {
  readonly at: number
  readonly value: number
}

/** `null` when the alarm is over. */
export type Alarm = {
  readonly text: string
  readonly since: number
  readonly acknowledged: boolean
} | null

export interface PumpState {
  readonly running: boolean
  readonly since: number
}

/** MQTT 3.1.1 has no response topic, so the command says where the plant answers. */
export interface PumpCommand {
  readonly running: boolean
  readonly replyTo: string
}

/** How much of the past a sensor shows, in milliseconds. */
export const HISTORY = 60_000

export const topics = {
  reading: (sensor: string) => `plant/sensor/${sensor}`,
  /** The readings of the last minute, so that a page that connects or comes back can draw them. */
  history: (sensor: string) => `plant/sensor/${sensor}/history`,
  alarm: (sensor: string) => `plant/alarm/${sensor}`,
  acknowledge: 'plant/acknowledge',
  pump: 'plant/pump',
  pumpCommand: 'plant/pump/set',
}

export const codecs = {
  reading: json<Reading>(),
  history: json<readonly Reading[]>(),
  alarm: json<Alarm>(),
  pump: json<PumpState>(),
  pumpCommand: json<PumpCommand>(),
}
