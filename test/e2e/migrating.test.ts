import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'

import { createEmbeddedBroker } from '../../testing/index.ts'
import { start } from './run.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const page = readFileSync(join(root, 'docs/migrating.md'), 'utf8')
const [app = '', native = ''] = Array.from(page.matchAll(/```ts\n([^]*?)```/g), ([, code = '']) => code)

test.each([
  { api: 'mqtt', code: app.replace("'xstate-mqtt/mqttjs'", "'mqtt'"), subscribed: 'subscribed to 2 filters' },
  { api: 'xstate-mqtt/mqttjs', code: app, subscribed: 'subscribed to 2 filters' },
  { api: 'xstate-mqtt', code: native, subscribed: 'connected' },
])('the application of docs/migrating.md outlives the broker on $api', async ({ api, code: source, subscribed }) => {
  expect(source).toContain(`from '${api}'`)
  const broker = await createEmbeddedBroker()
  // In the repository, so that it finds the packages.
  const folder = mkdtempSync(join(root, '.cache-migrating-'))
  onTestFinished(async () => {
    rmSync(folder, { recursive: true })
    await broker.stop()
  })
  const file = join(folder, 'app.ts')
  writeFileSync(file, source)
  const running = start(file, [], { env: { MQTT_URL: broker.url }, timeout: 90_000 })
  await running.shows(subscribed, 30_000)
  await broker.stop()
  await running.shows(api === 'xstate-mqtt' ? 'reconnecting' : 'offline')
  await broker.start()
  await running.showsTimes('connected', 2, 20_000)
  const measuring = setInterval(() => void broker.publish('rooms/kitchen/temperature', '18', { qos: 1 }), 100)
  await running.shows('kitchen is open').finally(() => clearInterval(measuring))
  running.kill('SIGTERM')
  const { code, stdout } = await running.ended
  expect(code).toBe(0)
  expect(stdout).toContain('ended')
})
