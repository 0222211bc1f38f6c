import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

import { Proxy } from '../../measure/lab/proxy.ts'
import { howToInstall, installed, startMosquitto } from '../support/mosquitto.ts'
import { start } from './run.ts'

/** How late a busy computer may be, in milliseconds. The default keep alive needs 90 s. */
const LATE = 10_000

describe.skipIf(!installed)(`a process that was stopped (${howToInstall})`, () => {
  test('notices a dead connection when it goes on', async () => {
    await using mosquitto = await startMosquitto()
    await using proxy = await Proxy.start({ target: mosquitto.port })
    const file = fileURLToPath(new URL('sleeping-process.ts', import.meta.url))
    const child = start(file, [`mqtt://127.0.0.1:${proxy.port}`, '500'])
    await child.shows('connected', 30_000)
    // The sleep detector looks once a second. The child must have begun to wait.
    await sleep(1_500)

    child.kill('SIGSTOP')
    // What a NAT does that has forgotten the connection.
    proxy.stall('toBroker', 'toClient')
    await sleep(7_000)
    child.kill('SIGCONT')
    await child.shows('interrupted {"kind":"timeout","phase":"probe"}', 1_500 + LATE)
    await child.shows('resumed', LATE)
    expect(proxy.heldSockets).toBe(1)
  })
})
