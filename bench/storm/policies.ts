import type { ConnectionInput } from '../../machines/config.ts'

export interface StormPolicy {
  readonly label: string
  readonly color: string
  readonly input: ConnectionInput
  /**
   * A fixed delay has no memory: the last minute of an outage is like any other. So that minute is enough, and the
   * attempts of the others are counted as if they had been made.
   */
  readonly memoryless?: true
}

const forEver = { maxAttempts: Number.POSITIVE_INFINITY }

export const policies: Readonly<Record<string, StormPolicy>> = {
  equal: { label: 'ours: equal jitter (default)', color: '#0b6e4f', input: {} },
  none: { label: 'ours: no jitter', color: '#c1292e', input: withJitter('none') },
  full: { label: 'ours: full jitter', color: '#3066be', input: withJitter('full') },
  decorrelated: { label: 'ours: decorrelated jitter', color: '#8f2d9c', input: withJitter('decorrelated') },
  mqttjs: {
    label: "MQTT.js's: every second",
    color: '#e0861a',
    input: { reconnect: { ...forEver, initialDelay: 1_000, multiplier: 1, maxDelay: 1_000, jitter: 'none' } },
    memoryless: true,
  },
  aws: {
    label: "AWS's: 1 to 120 s, full jitter",
    color: '#5c6b73',
    input: { reconnect: { ...forEver, initialDelay: 1_000, multiplier: 2, maxDelay: 120_000, jitter: 'full' } },
  },
}

function withJitter(jitter: 'none' | 'full' | 'decorrelated'): ConnectionInput {
  return { reconnect: { jitter }, recovery: { jitter } }
}
