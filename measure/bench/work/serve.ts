import { TRANSPORTS, type Transport } from '../peers/peer.ts'
import { serveConnection } from '../server/connection.ts'
import { listen } from '../server/listen.ts'
import { asked, tell } from './parent.ts'

export interface ServeTask {
  readonly kind: 'serve'
  readonly ports: Readonly<Record<Transport, number>>
}

/** The server of the rows that measure a client alone. */
export async function serve({ ports }: ServeTask) {
  await Promise.all(TRANSPORTS.map((transport) => listen(transport, ports[transport], serveConnection)))
  tell('listening')
  await asked('end')
  return {}
}
