import { fork } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'

import { beforeExit } from '../lab/cleanup.ts'
import type { StormOptions, StormResult } from './simulate.ts'

/** What a process is asked to simulate. */
export interface StormTask {
  readonly name: string
  readonly storm: StormOptions
}

/**
 * Simulates an outage with each policy, in as many processes at a time as there are processors. The results come in the order
 * of the names.
 */
export async function* simulateAll(names: readonly string[], storm: StormOptions) {
  const waiting: (() => void)[] = []
  let free = availableParallelism()
  const results = names.map(async (name) => {
    if (free > 0) free--
    else await new Promise<void>((resolve) => waiting.push(resolve))
    const result = await simulateApart({ name, storm })
    const next = waiting.shift()
    if (next) next()
    else free++
    return { name, result }
  })
  for (const result of results) yield await result
}

/** The process inherits the options of Node, and with them the sizes of the heap. */
function simulateApart(task: StormTask): Promise<StormResult> {
  const child = fork(fileURLToPath(new URL('worker.ts', import.meta.url)), { serialization: 'advanced' })
  const gone = beforeExit(() => child.kill('SIGKILL'))
  return new Promise<StormResult>((resolve, reject) => {
    child.once('message', resolve)
    child.once('error', reject)
    child.once('exit', (code, signal) => {
      gone()
      reject(new Error(`the simulation of ${task.name} ended without a result: ${signal ?? code}`))
    })
    child.send(task)
  })
}
