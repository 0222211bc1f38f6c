import type { Qos } from '../../src/api/message.ts'
import { ResilientMqttClient } from '../../src/index.ts'
import { USERNAME } from './clients/client.ts'
import { nameOf } from './ledger.ts'

/** A message to the process. */
export type DurableCommand =
  | {
      readonly type: 'publish'
      readonly topic: string
      readonly payload: string
      readonly qos: Qos
      readonly n: number
    }
  | { readonly type: 'password'; readonly password: string }
  | { readonly type: 'status' }

/** A message from the process. */
export type DurableReport =
  | { readonly type: 'accepted'; readonly topic: string; readonly n: number }
  | { readonly type: 'refused'; readonly topic: string; readonly n: number; readonly reason: string }
  | { readonly type: 'status'; readonly waiting: number }

export interface DurableSettings {
  readonly url: string
  readonly clientId: string
  readonly protocolVersion: 4 | 5
  readonly store: string
  /** The file in which the client records. */
  readonly recording: string
  readonly password: string
}

// A publisher whose messages outlive its process: it is killed at any moment, and started again with the same store.
const { url, clientId, protocolVersion, store, recording, ...settings } = JSON.parse(
  process.argv[2] ?? '',
) as DurableSettings
let { password } = settings
const client = new ResilientMqttClient({
  url,
  store,
  options: { clientId, protocolVersion, clean: false, keepalive: 2_000 },
  credentials: () => ({ username: USERNAME, password }),
  reconnect: { maxAttempts: Number.POSITIVE_INFINITY, initialDelay: 100, maxDelay: 1_000 },
  timeouts: { connectTimeout: 2_000, stableAfter: 2_000 },
  recorder: { file: recording },
})
client.connect().catch(() => {})

process.on('message', (command: DurableCommand) => {
  if (command.type === 'password') password = command.password
  else if (command.type === 'status') report({ type: 'status', waiting: client.outbox.size + client.outbox.inFlight })
  else publish(command)
})
process.on('disconnect', () => process.exit(0))

function publish({ topic, payload, qos, n }: Extract<DurableCommand, { type: 'publish' }>): void {
  const pending = client.publish(topic, payload, { qos, durable: true })
  pending.catch(() => {})
  pending.accepted.then(
    () => report({ type: 'accepted', topic, n }),
    (error: unknown) => report({ type: 'refused', topic, n, reason: nameOf(error) }),
  )
}

function report(message: DurableReport): void {
  process.send?.(message)
}
