import { join } from 'node:path'

import { TemporaryFolder } from '../../lab/cleanup.ts'
import { stores, type StoreName } from '../stores/index.ts'
import { cpuPerMessage } from './cpu-per-message.ts'
import { fillWindow } from './fill-window.ts'

export interface DurableTask {
  readonly kind: 'durable'
  readonly store: StoreName
  /** How many messages are written at the same time. */
  readonly window: number
  /** How long messages are counted at most, in milliseconds, and longer only until the first `window` is confirmed. */
  readonly duration: number
}

/** MQTT.js has 65,535 packet identifiers, which are all in use until there is a connection. */
const MOST = 50_000

/** Measures how many messages a second a store confirms while there is no connection, and the CPU time for each. */
export async function durable({ store, window, duration }: DurableTask) {
  using folder = new TemporaryFolder('bench-store')
  const write = await stores[store](join(folder.path, 'store'))
  const payload = new Uint8Array(64).fill(120)
  const publish = (done: () => void) => write('bench/durable', payload, done)

  await several(publish, window, window, duration)
  let confirmed = 0
  return await cpuPerMessage(
    () => confirmed,
    async () => {},
    async () => {
      confirmed = await several(publish, MOST, window, duration)
    },
  )
}

/** @returns how many messages were confirmed */
function several(publish: (done: () => void) => void, most: number, window: number, duration: number): Promise<number> {
  const deadline = performance.now() + duration
  return new Promise((resolve) => {
    let left = most
    let confirmed = 0
    fillWindow(window, (done) => {
      if (left-- <= 0) return
      publish(() => {
        confirmed++
        if (confirmed === most || (confirmed >= window && performance.now() > deadline)) {
          left = 0
          resolve(confirmed)
        }
        done()
      })
    })
  })
}
