import { onTestFinished } from 'vitest'

import { tls } from '../../measure/lab/tls-fixture.ts'
import {
  createEmbeddedBroker,
  createScriptedServer,
  type EmbeddedBroker,
  type EmbeddedBrokerOptions,
  type ScriptedServer,
  type ScriptedServerOptions,
} from '../../testing/index.ts'

export const schemes = ['mqtt', 'mqtts', 'ws', 'wss'] as const
export type Scheme = (typeof schemes)[number]

/** MQTT 3.1.1 and MQTT 5, as CONNECT names them. */
export const protocolVersions = [4, 5] as const
export type ProtocolVersion = (typeof protocolVersions)[number]

/** Every scheme with every protocol version. */
export const everywhere = schemes.flatMap((scheme) => protocolVersions.map((version) => ({ scheme, version })))

/** Trusts the certificate of `serve`. */
export const trusting = { tls: { ca: String(tls.cert) } } as const

/** A scripted server, which is closed after the test. */
export async function startServer(options: ScriptedServerOptions = {}): Promise<ScriptedServer> {
  const server = await createScriptedServer(options)
  onTestFinished(() => server.close())
  return server
}

/** A scripted server that speaks a scheme; it is closed after the test. */
export function serve(scheme: Scheme, options: ScriptedServerOptions = {}): Promise<ScriptedServer> {
  return startServer({
    transport: scheme.startsWith('ws') ? 'ws' : 'tcp',
    ...(scheme.endsWith('s') && scheme !== 'ws' && { tls }),
    ...options,
  })
}

/** An aedes broker in this process, which is stopped after the test. */
export async function startBroker(options?: EmbeddedBrokerOptions): Promise<EmbeddedBroker> {
  const broker = await createEmbeddedBroker(options)
  onTestFinished(() => broker.stop())
  return broker
}
