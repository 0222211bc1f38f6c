import { spawn } from 'node:child_process'

import { compile } from '../lab/build.ts'
import { beforeExit } from '../lab/cleanup.ts'
import type { Metrics, Task } from './work/index.ts'

let bundle: string | undefined

export async function buildWorker(): Promise<void> {
  bundle = await compile(new URL('worker.ts', import.meta.url))
}

export interface Worker {
  /** The result of the measurement. Rejects if the worker ended without a result. */
  readonly result: Promise<Metrics>
  /** Resolves when the worker has sent this word. */
  says(word: string): Promise<void>
  /** Sends a word to the worker. */
  tell(word: string): void
}

/** @param within - after how many milliseconds the worker is killed; without it, never */
export function runWorker(task: Task, within?: number, nodeOptions: readonly string[] = []): Worker {
  if (bundle === undefined) throw new Error('Call buildWorker() first')
  const args = ['--expose-gc', '--no-warnings', ...nodeOptions, bundle, JSON.stringify(task)]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const gone = beforeExit(() => child.kill('SIGKILL'))
  const said = new Set<string>()
  const waiting = new Map<string, () => void>()
  let result: Metrics | undefined
  child.on('message', (message: { readonly type: string; readonly result?: Metrics }) => {
    if (message.result) result = message.result
    said.add(message.type)
    waiting.get(message.type)?.()
  })
  const ended = new Promise<Metrics>((resolve, reject) => {
    const timer = within === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), within)
    child.once('error', reject)
    child.once('exit', (code, signal) => {
      clearTimeout(timer)
      gone()
      if (result) resolve(result)
      else reject(new Error(`${JSON.stringify(task)} ended without a result: ${signal ?? code}`))
    })
  })
  ended.catch(() => {})
  return {
    result: ended,
    says: (word) => {
      if (said.has(word)) return Promise.resolve()
      const heard = new Promise<void>((resolve) => waiting.set(word, resolve))
      return Promise.race([heard, ended.then(() => {})])
    },
    tell: (type) => void child.send({ type }),
  }
}
