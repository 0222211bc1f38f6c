import { ClassicLevel, type BatchOperation } from 'classic-level'

import type { OpenStore } from './store.ts'

type Put = BatchOperation<ClassicLevel<Uint8Array, Uint8Array>, Uint8Array, Uint8Array>

/** The least that a store on LevelDB can do: while one batch is written to disk, the next one is gathered. */
export const openClassicLevel: OpenStore = async (folder) => {
  const database = new ClassicLevel<Uint8Array, Uint8Array>(folder, { keyEncoding: 'view', valueEncoding: 'view' })
  await database.open()
  let written = 0
  let gathered: Put[] = []
  let waiting: (() => void)[] = []
  let writing = false

  const write = async () => {
    writing = true
    while (gathered.length > 0) {
      const batch = gathered
      const confirmed = waiting
      gathered = []
      waiting = []
      await database.batch(batch, { sync: true })
      for (const done of confirmed) done()
    }
    writing = false
  }
  return (_topic, value, done) => {
    const key = Buffer.allocUnsafe(8)
    key.writeDoubleBE(++written)
    gathered.push({ type: 'put', key, value })
    waiting.push(done)
    // The other messages of this turn belong to the same batch.
    if (!writing) setImmediate(() => void (writing || write()))
  }
}
