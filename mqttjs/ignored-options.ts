import { isGiven } from './is-given.ts'
import type { ClientOptions } from './options.ts'

/** What an application might rely on, by the options of MQTT.js that have no meaning here. */
const ADVICE = {
  incomingStore: 'the client keeps what it has received, and needs no store for it',
  outgoingStore: 'use resilient: { store: "./folder" }, which keeps publishes of QoS 1 and 2 on disk',
  authPacket: 'override client.handleAuth',
} satisfies Partial<Record<keyof ClientOptions, string>>

/** Each warning is printed once in a process. */
const told = new Set<string>()

/** Warns of options that have no meaning here, where that could hurt. */
export function warnOfIgnored(options: ClientOptions): void {
  for (const [name, advice] of Object.entries(ADVICE)) {
    const value: unknown = options[name as keyof ClientOptions]
    if (!isGiven(value) || told.has(name)) continue
    told.add(name)
    // oxlint-disable-next-line no-console -- There may be no other place where it is seen.
    console.warn(`xstate-mqtt/mqttjs: the option ${name} has no meaning: ${advice}`)
  }
}
