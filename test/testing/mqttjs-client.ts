import mqtt from 'mqtt'
import type { IClientOptions, MqttClient, MqttClientEventCallbacks } from 'mqtt'
import { onTestFinished } from 'vitest'

/** A raw MQTT.js client that never reconnects and writes down what happens to it. */
export function connect(url: string, options: IClientOptions = {}) {
  const client = mqtt.connect(url, { reconnectPeriod: 0, clientId: 'test', rejectUnauthorized: false, ...options })
  const events: string[] = []
  for (const name of ['connect', 'disconnect', 'close'] as const) client.on(name, () => void events.push(name))
  client.on('error', (error) => void events.push(`error ${String(('code' in error && error.code) || error.message)}`))
  onTestFinished(() => {
    client.end(true)
    client.stream.destroy()
  })
  const closed = new Promise<void>((resolve) => client.once('close', () => resolve()))
  return { client, events, closed }
}

/** The arguments of a client's next event; unlike `once` it does not reject at an `error`. */
export function next<E extends keyof MqttClientEventCallbacks>(client: MqttClient, event: E) {
  return new Promise<Parameters<MqttClientEventCallbacks[E]>>((resolve) => {
    client.once(event, ((...args: Parameters<MqttClientEventCallbacks[E]>) => resolve(args)) as never)
  })
}

export async function connected(url: string, options?: IClientOptions): Promise<MqttClient> {
  const { client } = connect(url, options)
  await new Promise<void>((resolve, reject) => {
    client.once('connect', () => resolve())
    client.once('close', () => reject(new Error('closed before connect')))
  })
  return client
}
