import { join } from 'node:path'

import { TemporaryFolder } from '../../lab/cleanup.ts'
import { stores, type StoreName } from '../stores/index.ts'
import { cpuPerMessage } from './cpu-per-message.ts'
import { fillWindow } from './fill-window.ts'

export interface DurableTask {
  readonly kind: 'durable'
  readonly store: StoreName
  /** The longest that messages are counted, in milliseconds. */
  readonly duration: number
}

/** So many that the disk is not the limit. */
const WINDOW = 10_000
const WARM_UP = 10_000
/** MQTT.js has 65,535 packet identifiers, which are all in use until there is a connection. */
const MOST = 50_000

/** Measures how many messages a second a store confirms while there is no connection, and the CPU time for each. */
export async function durable({ store, duration }: DurableTask) {
  using folder = new TemporaryFolder('bench-store')
  const write = await stores[store](join(folder.path, 'store'))
  const payload = new Uint8Array(64).fill(120)
  const publish = (done: () => void) => write('bench/durable', payload, done)

  await several(WARM_UP, publish, duration)
  let confirmed = 0
  return await cpuPerMessage(
    () => confirmed,
    async () => {},
    async () => {
      confirmed = await several(MOST, publish, duration)
    },
  )
}

/** @returns how many messages were confirmed, within about this many milliseconds */
function several(most: number, publish: (done: () => void) => void, within: number): Promise<number> {
  const deadline = performance.now() + within
  return new Promise((resolve) => {
    let left = most
    let confirmed = 0
    fillWindow(WINDOW, (done) => {
      if (left-- <= 0) return
      publish(() => {
        confirmed++
        if (confirmed === most || performance.now() > deadline) {
          left = 0
          resolve(confirmed)
        }
        done()
      })
    })
  })
}
