import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

import { ResilientMqttClient } from '../../src/index.ts'
import { howToInstall, installed, startMosquitto } from '../support/mosquitto.ts'
import { range } from '../support/range.ts'
import { start } from './run.ts'

const JOBS = 400

const file = fileURLToPath(new URL('sharing-process.ts', import.meta.url))

describe.skipIf(!installed)(`two processes share the work by $share (${howToInstall})`, () => {
  test('one is killed in the middle, and another one takes its client id: no job is lost, and none is stuck', async () => {
    await using mosquitto = await startMosquitto({ config: ['max_queued_messages 0'] })
    const worker = async (clientId: string) => {
      const process = start(file, [mosquitto.url, clientId], { timeout: 100_000 })
      await process.shows('connected', 30_000)
      return process
    }
    const [first, second] = await Promise.all([worker('worker-1'), worker('worker-2')])
    await using client = new ResilientMqttClient({ url: mosquitto.url })
    await client.connect()
    const publish = (n: number) => client.publish('jobs', String(n), { qos: 1 })

    await Promise.all(range(JOBS / 2).map((n) => publish(n)))
    await second.showsTimes('did ', 20)
    second.kill('SIGKILL')
    const { stdout } = await second.ended
    const before = jobsIn(stdout)
    // mosquitto still hands every second job to the worker that is away.
    await Promise.all(range(JOBS / 2).map((n) => publish(JOBS / 2 + n)))
    await first.showsTimes('did ', JOBS / 2, 30_000)
    const successor = await worker('worker-2')
    // What was in flight when its predecessor was killed is done again.
    await successor.showsTimes('did ', JOBS / 2 - before.length, 30_000)

    first.kill('SIGTERM')
    successor.kill('SIGTERM')
    const done = [before, jobsIn((await first.ended).stdout), jobsIn((await successor.ended).stdout)].flat()
    expect([...new Set(done)].toSorted((one, other) => one - other)).toEqual(range(JOBS))
    expect(done.length - JOBS, 'jobs that were done twice').toBeLessThanOrEqual(10)
  }, 120_000)
})

function jobsIn(stdout: string): number[] {
  return [...stdout.matchAll(/did (\d+);/g)].map(([, n]) => Number(n))
}
