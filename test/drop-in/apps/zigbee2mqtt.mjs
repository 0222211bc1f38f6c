import { mkdtempSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Only its class for MQTT: the rest needs a Zigbee adapter. */
export async function start(url, topics, received) {
  const data = mkdtempSync(join(tmpdir(), 'zigbee2mqtt-'))
  process.env.ZIGBEE2MQTT_DATA = data
  writeFileSync(
    join(data, 'configuration.yaml'),
    `mqtt: { server: '${url}', base_topic: zigbee2mqtt }\nadvanced: { log_output: [] }\nserial: {}\n`,
  )
  const require = createRequire(import.meta.url)
  require('zigbee2mqtt/dist/util/settings.js').reRead?.()
  require('zigbee2mqtt/dist/util/logger.js').default.init()
  const { default: Mqtt } = require('zigbee2mqtt/dist/mqtt.js')
  const eventBus = {
    emitMQTTMessage: ({ topic, message }) => topic === 'zigbee2mqtt/lamp/set' && received(message),
    emitMQTTMessagePublished: () => {},
    removeListeners: () => {},
  }
  const mqtt = new Mqtt(eventBus)
  await mqtt.connect()
  return {
    send: (text) => mqtt.publish('lamp', text, { clientOptions: { qos: 1 } }),
    stop: () => mqtt.disconnect(),
    topics: { into: 'zigbee2mqtt/lamp/set', out: 'zigbee2mqtt/lamp' },
  }
}
