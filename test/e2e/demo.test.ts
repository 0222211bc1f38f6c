import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'

import { createEmbeddedBroker, createScriptedServer } from '../../testing/index.ts'
import { sharedFolder } from '../support/temporary-folder.ts'
import { cli, run, start } from './run.ts'

const folder = sharedFolder()
describe('one whole outage', () => {
  test('visits every state, loses nothing, and ends automatically', async () => {
    const demo = start(cli, ['demo'])
    const url = await demo.showsUrl()
    expect((await fetch(url)).status, 'it has a page, as long as it lasts').toBe(200)
    const { code, stdout, stderr } = await demo.ended
    await expect(fetch(url)).rejects.toThrow('fetch failed')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^Visualizer http:\/\/127\.0\.0\.1:\d+\/\?token=[\w-]{32}$/m)

    const path = states(stdout)
    expect(path.filter((state, index) => state !== path[index - 1]).join(' ')).toBe(
      [
        'refreshingToken connecting connected',
        'reconnecting connecting reconnecting connecting reconnecting connecting failed',
        'recovering connecting recovering',
        'refreshingToken connecting connected',
        'disconnecting disconnected',
      ].join(' '),
    )
    expect(stdout).toMatch(/◔ reconnecting +attempt 2\/3 +1 s +connect ECONNREFUSED/)
    expect(stdout).toMatch(/◑ recovering +cycle 2\/5 +3 s +connect ECONNREFUSED/)
    expect(stdout).toMatch(/◇ refreshingToken +cycle 2\/5 +the token has expired/)
    expect(stdout.match(/2 subscriptions restored/g)).toHaveLength(2)

    const [, accepted, delivered, lost] =
      /(\d+) accepted, (\d+) delivered, (\d+) lost, \d+ duplicate/.exec(stdout) ?? []
    expect(Number(accepted)).toBeGreaterThan(30)
    expect(delivered).toBe(accepted)
    expect(lost).toBe('0')
    expect(stdout).toMatch(/\d\d of them accepted while offline; all in order/)
    expect(stdout).toMatch(/[3-9] answered before the outage, 0 during it, [4-9] after it/)
    expect(stdout, 'no colours without a terminal').not.toContain('\u001B')
    expect(stdout, 'no live line without a terminal').not.toContain('\r')
  })
})

describe('a real broker', () => {
  test('is stayed with until Ctrl-C, which says goodbye', async () => {
    await using server = await createScriptedServer()
    const demo = start(cli, ['demo', '--url', server.url, '--subscribe', 'a/#', '--publish', 'a/b', '--interval', '50'])
    await server.waitFor('publish', { count: 3, timeout: 10_000 })
    server.publish('a/c', 'hello \u001B[2J\nthere')
    await demo.shows('a/c  hello �[2J↵there')
    demo.kill('SIGINT')

    const { code, stdout, stderr } = await demo.ended
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(states(stdout)).toEqual(['connecting', 'connected', 'disconnecting', 'disconnected'])
    expect(server.received('subscribe')[0]?.subscriptions).toMatchObject([{ topic: 'a/#', qos: 1 }])
    expect(server.connections.map(({ ending }) => ending)).toMatchObject([{ by: 'client', how: 'disconnect' }])
  })

  test('Ctrl-C ends a wait too', async () => {
    await using server = await createScriptedServer()
    const { url } = server
    await server.close()
    const demo = start(cli, ['demo', '--url', url])
    await demo.shows('◔ reconnecting')
    demo.kill('SIGINT')
    const { code } = await demo.ended
    expect(code).toBe(0)
  })

  test('a later Ctrl-C ends it at once', async () => {
    // A publish that is never acknowledged: the graceful way waits for it, for a while.
    await using server = await createScriptedServer({ script: { puback: false } })
    const demo = start(cli, ['demo', '--url', server.url, '--publish', 'a/b'])
    await server.waitFor('publish', { timeout: 10_000 })
    // Only one soon after the first is ignored, because npm passes each one on a second time.
    const timer = setInterval(() => demo.kill('SIGINT'), 100)
    const { code } = await demo.ended.finally(() => clearInterval(timer))
    expect(code).toBe(130)
  })

  test('tells what it gave up for, with exit code 1', async () => {
    await using server = await createScriptedServer({ script: { connack: { reasonCode: 0x8a } } })
    const { code, stdout } = await run(cli, ['demo', '--url', server.url, '--protocol', '5'])
    expect(code).toBe(1)
    expect(stdout).toMatch(/✕ failed +connection refused: banned/)
  })

  test.each([
    ['the environment', [], { MQTT_PASSWORD: 'secret' }],
    ['a file', ['--password-file', join(folder, 'password')], {}],
  ])('takes the password from %s, and shows it nowhere', async (_, args, env) => {
    writeFileSync(join(folder, 'password'), 'secret\n')
    await using broker = await createEmbeddedBroker({
      authenticate: (name, word) => name === 'me' && word === 'secret',
    })
    const demo = start(cli, ['demo', '--url', broker.url, '--username', 'me', ...args], { env })
    await demo.shows('└ ready')
    demo.kill('SIGTERM')
    const { code, stdout } = await demo.ended
    expect(code).toBe(0)
    expect(stdout).not.toContain('secret')
  })
})

/** The states of the lines with a transition. */
function states(stdout: string): string[] {
  return [...stdout.matchAll(/^ *[\d.:]+s? [○◌●◔✕◑◇] (\w+)/gm)].map(([, state]) => state ?? '')
}
