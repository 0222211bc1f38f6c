import { closeSync, openSync, readSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'

export interface Pauses {
  /** The largest heap, in MiB. */
  readonly heap: number
  /** The longest pause of the event loop, in milliseconds. On a busy machine, it is mostly that of other processes. */
  readonly pause: number
  /** The longest turn of the event loop, in milliseconds of CPU time; 0 where the system does not tell it. */
  readonly busy: number
}

/** Watches the event loop and the heap. @returns ends that, and resolves with what was seen */
export function watchPauses(): () => Promise<Pauses> {
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  const thread = openMainThread()
  let heap = 0
  let busy = 0
  let before = thread.cpuTime()
  const turns = setInterval(() => {
    const now = thread.cpuTime()
    busy = Math.max(busy, now - before)
    before = now
  }, 1)
  const look = () => void (heap = Math.max(heap, process.memoryUsage().heapUsed))
  const looking = setInterval(look, 20)
  return async () => {
    look()
    // The current turn counts, too.
    await new Promise((resolve) => setTimeout(resolve, 100))
    clearInterval(turns)
    clearInterval(looking)
    thread.close()
    delay.disable()
    return { heap: heap / 1_024 ** 2, pause: delay.max / 1e6, busy }
  }
}

/** The CPU time of the main thread in milliseconds, without garbage collection in other threads (Linux). */
function openMainThread() {
  if (process.platform !== 'linux') return { cpuTime: () => 0, close: () => {} }
  const file = openSync(`/proc/self/task/${process.pid}/schedstat`, 'r')
  const bytes = Buffer.alloc(64)
  return {
    cpuTime: () => {
      const length = readSync(file, bytes, 0, bytes.byteLength, 0)
      return Number(bytes.toString('latin1', 0, length).split(' ')[0]) / 1e6
    },
    close: () => closeSync(file),
  }
}
