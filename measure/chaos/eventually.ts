import { setTimeout as sleep } from 'node:timers/promises'

/** Resolves to whether a condition holds within a time, in milliseconds. */
export async function eventually(holds: () => boolean, within: number): Promise<boolean> {
  const deadline = Date.now() + within
  while (!holds()) {
    if (Date.now() > deadline) return false
    await sleep(20)
  }
  return true
}
