import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

import { startServer } from '../support/servers.ts'
import { cli, start } from './run.ts'

const run = promisify(execFile)

/** A pipeline, whose exit code is that of the last command that failed. */
function pipeline(text: string, env: Readonly<Record<string, string>>) {
  return run('bash', ['-o', 'pipefail', '-c', text], { env: { ...process.env, XDG_CONFIG_HOME: '/nowhere', ...env } })
}

test('pub reads lines from a pipe', async () => {
  const server = await startServer()
  const { stderr } = await pipeline(`printf 'one\\n\\ntwo' | "${process.execPath}" ${cli} pub -t a -l`, {
    MQTT_URL: server.url,
  })
  expect(stderr).toBe('')
  expect(server.received('publish').map(({ payload }) => String(payload))).toEqual(['one', '', 'two'])
})

test('sub ends with its reader, and says goodbye', async () => {
  const server = await startServer()
  const ended = pipeline(`"${process.execPath}" ${cli} sub a/# --quiet | head -c 4`, { MQTT_URL: server.url })
  await server.waitFor('subscribe', { timeout: 10_000 })
  const publishing = setInterval(() => server.publish('a/b', 'a line', { qos: 1 }), 20)
  const { stdout, stderr } = await ended.finally(() => clearInterval(publishing))
  expect({ stdout, stderr }).toEqual({ stdout: 'a li', stderr: '' })
  expect(server.connections.map(({ ending }) => ending)).toMatchObject([{ by: 'client', how: 'disconnect' }])
})

test('Ctrl-C disconnects', async () => {
  const server = await startServer()
  const sub = start(cli, ['sub', server.url, 'a'])
  await server.waitFor('subscribe', { timeout: 10_000 })
  sub.kill('SIGINT')
  const { code, stderr } = await sub.ended
  expect(code).toBe(0)
  expect(stderr).toBe(`connected to ${server.url}\n`)
  expect(server.connections.map(({ ending }) => ending)).toMatchObject([{ by: 'client', how: 'disconnect' }])
})
