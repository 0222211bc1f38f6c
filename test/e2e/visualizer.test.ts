import { expect, test } from 'vitest'

import { ResilientMqttClient } from '../../src/index.ts'
import { createScriptedServer } from '../../testing/index.ts'
import { connectVisualizer } from '../../visualizer/index.ts'
import { cli, start } from './run.ts'

test.each(['SIGINT', 'SIGTERM'] as const)('the command serves the page until %s', async (signal) => {
  const visualizer = start(cli, ['visualizer', '--port', '0'])
  const url = await visualizer.showsUrl()
  expect((await fetch(url)).status).toBe(200)
  expect((await fetch(new URL('/', url))).status, 'without the token').toBe(401)

  // An app that reports to it keeps it from nothing.
  await using server = await createScriptedServer()
  const feed = connectVisualizer(url)
  await using client = new ResilientMqttClient({ url: server.url, inspect: feed.inspect })
  await client.connect()

  visualizer.kill(signal)
  const { code, stderr } = await visualizer.ended
  feed.close()
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  await expect(fetch(url)).rejects.toThrow('fetch failed')
})

test('the command takes its token from the environment', async () => {
  const token = 'a-token-of-our-own'
  const visualizer = start(cli, ['visualizer', '--port', '0'], { env: { XSTATE_MQTT_VISUALIZER_TOKEN: token } })
  expect(await visualizer.showsUrl()).toContain(`?token=${token}`)
})

test('names the environment variable of a token that is too short', async () => {
  const { ended } = start(cli, ['visualizer', '--port', '0'], { env: { XSTATE_MQTT_VISUALIZER_TOKEN: 'planted' } })
  const { code, stdout, stderr } = await ended
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toContain('XSTATE_MQTT_VISUALIZER_TOKEN must be a string of at least 16 characters')
  expect(stderr).not.toContain('planted')
})

test('demo --visualizer goes from one outage to the next, until Ctrl-C', async () => {
  const demo = start(cli, ['demo', '--visualizer'])
  const url = await demo.showsUrl()
  expect((await fetch(url)).status).toBe(200)
  await demo.shows('outage 1 is over', 20_000)
  await demo.shows('the token is about to expire', 12_000)
  // Each outage begins with the first attempt.
  await demo.showsTimes('◔ reconnecting    attempt 1/3', 2)
  demo.kill('SIGINT')
  const { code, stdout, stderr } = await demo.ended
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toMatch(/outage 1 is over: (\d+) accepted, \1 delivered, 0 lost/)
})

test('demo --visualizer on a real broker has a page', async () => {
  await using server = await createScriptedServer()
  const demo = start(cli, ['demo', '--url', server.url, '--visualizer'])
  expect((await fetch(await demo.showsUrl())).status).toBe(200)
  await demo.shows('└ ready')
  demo.kill('SIGINT')
  const { code, stderr } = await demo.ended
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
})
