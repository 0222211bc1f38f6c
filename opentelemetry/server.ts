import type { Attributes } from '@opentelemetry/api'

/** How many servers are remembered. A client knows few. */
const MOST = 100

const known = new Map<string, Attributes>()

/** The attributes of a server, such as `mqtts://host:port`. */
export function serverAttributes(server: string | undefined): Attributes | undefined {
  if (server === undefined) return undefined
  let attributes = known.get(server)
  if (attributes) return attributes
  attributes = parse(server)
  if (known.size >= MOST) known.clear()
  known.set(server, attributes)
  return attributes
}

function parse(server: string): Attributes {
  const [, address, port] = /^\w+:\/\/(.+):(\d+)$/.exec(server) ?? []
  if (address === undefined) return {}
  return { 'server.address': address.replace(/^\[(.*)\]$/, '$1'), 'server.port': Number(port) }
}
