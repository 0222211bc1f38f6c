import { createRequire } from 'node:module'
import { expect, test } from 'vitest'

test('xstate-mqtt/mqttjs can be imported and required', async () => {
  const imported = await import('xstate-mqtt/mqttjs')
  const required = createRequire(import.meta.url)('xstate-mqtt/mqttjs') as typeof imported
  for (const each of [imported, imported.default, required, required.default]) {
    expect(each).toHaveProperty('connect')
    expect(each).toHaveProperty('connectAsync')
    expect(each).toHaveProperty('MqttClient')
  }
  // Compilers import a default export by this.
  expect(required).toHaveProperty('__esModule', true)
})
