import type { DuplexStream } from '../src/api/socket.ts'

type OpenSocks = (host: string, port: number, proxy: string, options: { timeout: number | undefined }) => DuplexStream

/** Loads MQTT.js's function that connects through a SOCKS proxy. */
export async function loadSocks(): Promise<OpenSocks> {
  const module: { readonly default: unknown } = await import('mqtt/lib/connect/socks')
  const exported = module.default as OpenSocks | { readonly default: OpenSocks }
  // It is CommonJS: Node gives all of its exports, and jest, after babel, the function.
  return typeof exported === 'function' ? exported : exported.default
}
