import { peers } from '../peers/index.ts'
import type { PeerName } from '../peers/peer.ts'
import { asked, tell } from './parent.ts'

export interface ResendTask {
  readonly kind: 'resend'
  readonly peer: PeerName
  readonly port: number
  readonly messages: number
}

/** Publishes messages that are not acknowledged, and sends them again on the next connection. The proxy measures the time. */
export async function resend({ peer, port, messages }: ResendTask) {
  const client = await peers[peer]({ port, clientId: `${peer}-${process.pid}`, clean: false, retryDelay: 5 })
  tell('connected')
  await asked('publish')
  const payload = new Uint8Array(64).fill(120)
  for (let n = 0; n < messages; n++) client.publish('bench/resend', payload, 1, () => {})
  await asked('end')
  await client.end()
  return {}
}
