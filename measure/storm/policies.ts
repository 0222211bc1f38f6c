import type { ConnectionInput } from '../../machines/config.ts'
import { defaultFleet } from '../../src/config/defaults.ts'
import type { TurnstileOptions } from '../../src/fleet/turnstile.ts'

export interface StormPolicy {
  readonly label: string
  readonly color: { readonly light: string; readonly dark: string }
  /** Set if its curve would hide another one. */
  readonly dashed?: true
  readonly input: ConnectionInput
  /** The options of the gate that the clients share, if they do, for a broker with a capacity in connections per second. */
  readonly gate?: (capacity: number) => Omit<TurnstileOptions, 'clock' | 'now'>
  /**
   * Whether each second of an outage is like any other, as with a fixed delay. Then only the last part of the outage is
   * simulated, and the attempts in the rest are calculated.
   */
  readonly memoryless?: true
}

const forEver = { maxAttempts: Number.POSITIVE_INFINITY }

export const policies: Readonly<Record<string, StormPolicy>> = {
  equal: { label: 'ours: equal jitter (default)', color: { light: '#00795a', dark: '#3ddc9f' }, input: {} },
  canary: {
    label: 'ours: a fleet with one canary',
    color: { light: '#8a6d00', dark: '#e3c341' },
    input: { gated: true },
    gate: (connectRate) => ({ ...defaultFleet, connectRate }),
  },
  none: { label: 'ours: no jitter', color: { light: '#c1292e', dark: '#ff7b72' }, input: withJitter('none') },
  full: { label: 'ours: full jitter', color: { light: '#2a62bd', dark: '#79b8ff' }, input: withJitter('full') },
  decorrelated: {
    label: 'ours: decorrelated jitter',
    color: { light: '#8f2d9c', dark: '#d6a0e8' },
    input: withJitter('decorrelated'),
  },
  aws: {
    label: "AWS's: 1 to 120 s, full jitter",
    color: { light: '#5c6b73', dark: '#a5b1ba' },
    dashed: true,
    input: { reconnect: { ...forEver, initialDelay: 1_000, multiplier: 2, maxDelay: 120_000, jitter: 'full' } },
  },
  mqttjs: {
    label: "MQTT.js's: every second",
    color: { light: '#b35900', dark: '#f2b03d' },
    input: { reconnect: { ...forEver, initialDelay: 1_000, multiplier: 1, maxDelay: 1_000, jitter: 'none' } },
    memoryless: true,
  },
}

function withJitter(jitter: 'none' | 'full' | 'decorrelated'): ConnectionInput {
  return { reconnect: { jitter }, recovery: { jitter } }
}
