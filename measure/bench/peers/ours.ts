import { createFleet, ResilientMqttClient, type ResilientMqttClientOptions } from '../../../src/index.ts'
import { tls } from '../../lab/tls-fixture.ts'
import { SCHEMES, type Connect, type PeerClient, type PeerOptions } from './peer.ts'

function oursOptions(options: PeerOptions) {
  const { port, transport = 'tcp', clientId, clean = true, keepalive = 60, retryDelay = 1_000 } = options
  return {
    url: `${SCHEMES[transport]}://127.0.0.1:${port}`,
    options: {
      clientId,
      clean,
      protocolVersion: 5,
      keepalive: keepalive * 1_000,
      ...(transport === 'tls' && { tls: { ca: tls.cert } }),
    },
    reconnect: { initialDelay: retryDelay, multiplier: 1, maxDelay: retryDelay, jitter: 'none', maxAttempts: Infinity },
  } as const satisfies ResilientMqttClientOptions
}

export const connectOurs: Connect = (options) => ready(new ResilientMqttClient(oursOptions(options)))

/** Connects clients of one fleet, as a process with thousands of connections would do. */
export function connectFleet(maxConnecting: number): Connect {
  const fleet = createFleet({ maxConnecting })
  return (options) => ready(fleet.createClient(oursOptions(options)))
}

async function ready(client: ResilientMqttClient): Promise<PeerClient> {
  await client.connect()
  return {
    publish: (topic, payload, qos, done) => void client.publish(topic, payload, { qos }).then(done, ignored),
    subscribe: async (filters, qos, onMessage) => {
      await Promise.all(filters.map((filter) => client.subscribe(filter, onMessage, { qos }).ready))
    },
    end: () => client[Symbol.asyncDispose](),
  }
}

/** Ignores publishes that are not acknowledged when the client ends. */
function ignored(): void {}
