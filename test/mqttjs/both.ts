import theirs from 'mqtt'
import type { IClientOptions, MqttClient, MqttClientEventCallbacks } from 'mqtt'
import { onTestFinished } from 'vitest'

import ours from '../../mqttjs/index.ts'

const dropIn = { name: 'the drop-in', mqtt: ours as unknown as typeof theirs } as const

/**
 * The drop-in and MQTT.js. Tests with it state what MQTT.js does, and require the same of ours. `npm test` leaves MQTT.js out, which
 * does not change with our code; `npm run test:rest` does not.
 */
export const both = process.env.LONG_TESTS
  ? ([dropIn, { name: 'MQTT.js', mqtt: theirs }] as const)
  : ([dropIn] as const)

export type Mqtt = (typeof both)[number]['mqtt']

const names = ['connect', 'disconnect', 'reconnect', 'offline', 'close', 'end', 'error'] as const

/** Connects, and notes the events in their order. It reconnects soon, and is ended after the test. */
export function open(mqtt: Mqtt, url: string, options: IClientOptions = {}) {
  const client = mqtt.connect(url, { reconnectPeriod: 20, clientId: 'test', ...options })
  const events: string[] = []
  for (const name of names) client.on(name, (value?: unknown) => void events.push(told(name, value)))
  onTestFinished(() => {
    client.end(true)
    client.stream?.destroy()
  })
  return { client, events }
}

/** The same, when it is connected. */
export async function opened(mqtt: Mqtt, url: string, options?: IClientOptions) {
  const { client, events } = open(mqtt, url, options)
  await next(client, 'connect')
  return { client, events }
}

/** The values of the next event of a name. It rejects at once if an exception is not caught, which may have prevented the event. */
export function next<Name extends keyof MqttClientEventCallbacks>(client: MqttClient, name: Name) {
  return new Promise<Parameters<MqttClientEventCallbacks[Name]>>((resolve, reject) => {
    const forget = () => process.off('uncaughtException', reject)
    process.on('uncaughtException', reject)
    onTestFinished(() => void forget())
    client.once(name, ((...values: Parameters<MqttClientEventCallbacks[Name]>) => {
      forget()
      resolve(values)
    }) as never)
  })
}

/** The values with which a callback is called. */
export function called(call: (callback: (...values: unknown[]) => void) => unknown): Promise<unknown[]> {
  return new Promise((resolve) => {
    call((...values) => resolve(values))
  })
}

function told(name: string, value: unknown): string {
  if (!(value instanceof Error)) return name
  return `${name}: ${value.message.replace(/:\d+$/, '')}`
}
