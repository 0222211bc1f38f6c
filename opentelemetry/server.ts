import type { Attributes } from '@opentelemetry/api'

/** The attributes of a server, such as `mqtts://host:port`. */
export function serverAttributes(server: string | undefined): Attributes | undefined {
  if (server === undefined) return undefined
  const [, address, port] = /^\w+:\/\/(.+):(\d+)$/.exec(server) ?? []
  if (address === undefined) return undefined
  return { 'server.address': address.replace(/^\[(.*)\]$/, '$1'), 'server.port': Number(port) }
}
