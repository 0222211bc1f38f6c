/**
 * A bridge between a pump and Home Assistant, which finds it by MQTT discovery: a switch, a sensor, and whether they are
 * available.
 *
 *   npx tsx examples/home-assistant.ts                          outages of a broker in this process
 *   npx tsx examples/home-assistant.ts mqtt://localhost:1883    the broker of your Home Assistant, until Ctrl-C
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { PublishSupersededError, ResilientMqttClient } from 'xstate-mqtt'
import { createEmbeddedBroker } from 'xstate-mqtt/testing'

const broker = process.argv[2] ? { url: process.argv[2] } : await createEmbeddedBroker()

const topics = {
  discovery: 'homeassistant/device/garden_pump/config',
  homeAssistant: 'homeassistant/status',
  availability: 'garden-pump/availability',
  state: 'garden-pump/state',
  command: 'garden-pump/power/set',
}

/** Describes the device and all its entities in one message, which needs Home Assistant 2024.11 or newer. */
const discovery = {
  device: { identifiers: ['garden_pump'], name: 'Garden pump' },
  origin: { name: 'xstate-mqtt example' },
  availability_topic: topics.availability,
  state_topic: topics.state,
  qos: 1,
  components: {
    power: {
      platform: 'switch',
      unique_id: 'garden_pump_power',
      name: 'Power',
      command_topic: topics.command,
      value_template: '{{ value_json.power }}',
    },
    flow: {
      platform: 'sensor',
      unique_id: 'garden_pump_flow',
      name: 'Flow',
      device_class: 'volume_flow_rate',
      unit_of_measurement: 'L/min',
      value_template: '{{ value_json.flow }}',
    },
  },
}

const retained = { qos: 1, retain: true } as const
const state = { power: 'OFF', flow: 0 }

const client = new ResilientMqttClient({
  url: broker.url,
  // In production, leave out `reconnect`. Its default takes seconds, which is too long for an example.
  reconnect: { initialDelay: 200, maxDelay: 500 },
  options: { clientId: 'garden-pump', will: { topic: topics.availability, payload: 'offline', ...retained } },
  birth: ({ publish }) => announce(publish),
})
client.on('error', ({ error }) => console.error(error))

type Publish = (topic: string, payload: string, options: typeof retained) => Promise<unknown>

/** Everything that Home Assistant has to know, after each connection, and when it asks for it. */
async function announce(publish: Publish): Promise<void> {
  await publish(topics.discovery, JSON.stringify(discovery), retained)
  await publish(topics.state, JSON.stringify(state), retained)
  await publish(topics.availability, 'online', retained)
}

// Home Assistant publishes `online` when it has started. A broker that was restarted without its retained messages is
// another reason to announce everything again.
client.subscribe(topics.homeAssistant, async (message) => {
  if (message.text() === 'online') await announce((topic, payload, options) => client.publish(topic, payload, options))
})

client.subscribe(topics.command, (message) => switchTo(message.text() === 'ON' ? 'ON' : 'OFF'), { qos: 1 })

function switchTo(power: 'ON' | 'OFF'): void {
  Object.assign(state, { power, flow: power === 'ON' ? 12.5 : 0 })
  console.log(`pump: ${power}`)
  // Also without a connection: only the newest of the states that wait is sent, and none of them after a newer one.
  client.publish(topics.state, JSON.stringify(state), { ...retained, latest: true }).catch((error: unknown) => {
    if (!(error instanceof PublishSupersededError)) console.error(error)
  })
}

/** Ends the connection so that the broker publishes the will: `offline`. */
async function stop(): Promise<void> {
  await client.disconnect({ reasonCode: 0x04 })
  await client[Symbol.asyncDispose]()
}

if ('stop' in broker) {
  const seen: string[] = []
  broker.onPublish(({ topic, payload }) => {
    seen.push(`${topic}: ${payload.toString()}`)
    console.log(seen.at(-1)?.slice(0, 100))
  })
  const online = async (n: number) => {
    while (seen.filter((text) => text === `${topics.availability}: online`).length < n) await sleep(20)
  }
  await client.connect()
  await online(1)

  console.log('Home Assistant switches the pump on')
  await broker.publish(topics.command, 'ON', { qos: 1 })

  console.log('Home Assistant is restarted')
  await broker.publish(topics.homeAssistant, 'online')
  await online(2)

  console.log('the broker is restarted, and has no retained messages')
  await broker.stop()
  switchTo('OFF')
  await broker.start()
  await online(3)

  await stop()
  await sleep(200)
  await broker.stop()
} else {
  await client.connect()
  process.once('SIGINT', () => void stop())
  console.log('Press Ctrl-C to end.')
}
