import { peers } from '../peers/index.ts'
import type { PeerName } from '../peers/peer.ts'
import { asked, tell } from './parent.ts'

export interface RestoreTask {
  readonly kind: 'restore'
  readonly peer: PeerName
  readonly port: number
  readonly filters: number
}

/** Subscribes, and restores the subscriptions after the broker's restart. The proxy measures the time. */
export async function restore({ peer, port, filters }: RestoreTask) {
  const client = await peers[peer]({ port, clientId: `${peer}-${process.pid}`, retryDelay: 5 })
  const names = Array.from({ length: filters }, (_, n) => `bench/restore/${n}/#`)
  for (let i = 0; i < filters; i += 1_000) await client.subscribe(names.slice(i, i + 1_000), 1, () => {})
  tell('subscribed')
  await asked('end')
  await client.end()
  return {}
}
