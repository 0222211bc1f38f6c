import type { ServerHealth } from '../../machines/policy/servers.ts'
import type { RecordedEvent } from '../../src/recorder/format.ts'
import { Code, literal } from './literal.ts'

/** What is known of a server before the first attempt. */
const fresh: Omit<ServerHealth, 'server'> = {
  priority: 0,
  weight: 1,
  attempts: 0,
  connects: 0,
  failures: 0,
  lastFailure: null,
  coolingUntil: null,
  connectTime: null,
  tried: false,
  movedTo: null,
}

/** For tests with `serversInWords`. */
export const serverHelper = [
  '/** What is known of a server. What is not given is as before the first attempt. */',
  'const server = (address: string, known: object = {}) => ({',
  '  server: address,',
  ...Object.entries(fresh).map(([name, value]) => `  ${name}: ${literal(value)},`),
  '  ...known,',
  '})',
].join('\n')

/** Shortens the servers of an event `server.chosen`, which it repeats at each attempt. */
export function withShortServers(event: RecordedEvent): RecordedEvent {
  const { type, servers } = event
  if (type !== 'server.chosen' || !Array.isArray(servers) || !servers.every(isServer)) return event
  return { ...event, servers: servers.map((each) => new Code(serverSource(each))) }
}

type Known = { readonly server: string } & Readonly<Record<string, unknown>>

function serverSource({ server, ...rest }: Known): string {
  const defaults: Readonly<Record<string, unknown>> = { ...fresh }
  const known = Object.entries(rest).filter(([name, value]) => value !== defaults[name])
  return `server(${literal(server)}${known.length > 0 ? `, ${literal(Object.fromEntries(known))}` : ''})`
}

/** Whether it has all that `fresh` has: otherwise the test would add what was not recorded. */
function isServer(value: unknown): value is Known {
  if (typeof value !== 'object' || value === null) return false
  const { server } = value as { readonly server?: unknown }
  return typeof server === 'string' && Object.keys(fresh).every((name) => name in value)
}
