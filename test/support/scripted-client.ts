import { onTestFinished } from 'vitest'
import type { AnyActorRef } from 'xstate'

import { ResilientMqttClient, type ConnectOptions, type ResilientMqttClientOptions } from '../../src/index.ts'
import {
  createScriptedServer,
  type Behaviour,
  type Script,
  type ScriptedServer,
  type ScriptedServerOptions,
} from '../../testing/index.ts'
import { recordingLogger } from './recording-logger.ts'

/** MQTT 3.1.1 and 5. */
export const versions = [{ version: 4 }, { version: 5 }] as const
export type Version = (typeof versions)[number]['version']

export interface ScriptedClientOptions extends Omit<ResilientMqttClientOptions, 'options'> {
  readonly version?: Version
  readonly script?: Script
  readonly server?: ScriptedServerOptions
  readonly connect?: ConnectOptions
}

/** A scripted server, and a client that reconnects to it at once. Both are closed after the test. */
export async function scriptedClient({
  version = 5,
  script,
  server: serverOptions,
  connect,
  ...options
}: ScriptedClientOptions = {}) {
  const server = await createScriptedServer({ ...serverOptions, ...(script && { script }) })
  const errors: unknown[] = []
  const { logger, lines } = recordingLogger()
  const client = new ResilientMqttClient({
    url: server.url,
    options: { protocolVersion: version, clientId: 'test', clean: false, ...connect },
    logger,
    // Packet ids begin with 1.
    random: () => 0,
    reconnect: { initialDelay: 0, maxDelay: 0, jitter: 'none', maxAttempts: Number.POSITIVE_INFINITY },
    ...options,
  })
  client.on('error', ({ error }) => errors.push(error))
  onTestFinished(async () => {
    // Without a connection there is nothing to drain.
    await server.close()
    await client[Symbol.asyncDispose]()
  })
  return { server, client, errors, lines }
}

/** Behaviour by connection, with a session that is present, or not, on all but the first. */
export function sessionIs(present: boolean, ...behaviours: Behaviour[]): Script {
  return (_connection, n) => ({
    connack: { sessionPresent: present && n > 1 },
    ...behaviours[Math.min(n, behaviours.length) - 1],
  })
}

/** What a connection received, by packets of a kind: `publish a 1 dup`, say. */
export function told(server: ScriptedServer, n: number, ...cmds: string[]): string[] {
  const { packets } = server.connections[n - 1] ?? { packets: [] }
  return packets.flatMap(({ packet }) => {
    if (cmds.length > 0 && !cmds.includes(packet.cmd)) return []
    const id = packet.messageId ? [packet.messageId] : []
    if (packet.cmd === 'publish') return [[packet.cmd, packet.payload, ...id, ...(packet.dup ? ['dup'] : [])].join(' ')]
    return [[packet.cmd, ...id].join(' ')]
  })
}

/** In which state the subscriptions are. */
export function syncState({ actor }: ResilientMqttClient): unknown {
  return (actor.getSnapshot().children['subscriptions'] as AnyActorRef).getSnapshot().value
}
