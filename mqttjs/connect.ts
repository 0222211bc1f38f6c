import { nothing } from '../src/shared/nothing.ts'
import { soon } from '../src/shared/soon.ts'
import { deferred } from '../src/shared/wait.ts'
import { holdMessages, MqttClient } from './client.ts'
import type { ClientOptions } from './options.ts'
import { completeOptions } from './url.ts'

/**
 * Connects to a broker, in the next microtask, and stays connected.
 *
 * @throws {InvalidOptionError} if an option is wrong
 */
export function connect(brokerUrl: string): MqttClient
export function connect(options: ClientOptions): MqttClient
export function connect(brokerUrl: string, options?: ClientOptions): MqttClient
export function connect(first: string | ClientOptions, second?: ClientOptions): MqttClient {
  const url = typeof first === 'string' ? first : undefined
  const given = typeof first === 'object' && !second ? first : (second ?? {})
  const client = new MqttClient(undefined, completeOptions(url, given))
  // Without a listener, an event `error` would be thrown. MQTT.js adds this one, too.
  client.on('error', nothing)
  return client
}

/**
 * Connects to a broker. Messages wait until the code after `await` has run, so that it can listen to them.
 *
 * @param allowRetries - whether attempts go on if the server closes the connection
 * @throws the first error: an attempt failed
 * @throws {InvalidOptionError} if an option is wrong
 */
export function connectAsync(brokerUrl: string): Promise<MqttClient>
export function connectAsync(options: ClientOptions): Promise<MqttClient>
export function connectAsync(brokerUrl: string, options?: ClientOptions): Promise<MqttClient>
export function connectAsync(brokerUrl: string, options: ClientOptions, allowRetries: boolean): Promise<MqttClient>
export function connectAsync(
  first: string | ClientOptions,
  options?: ClientOptions,
  allowRetries = true,
): Promise<MqttClient> {
  return new Promise((resolve, reject) => {
    const client = connect(first as string, options)
    const { promise: listening, resolve: listens } = deferred<void>()
    holdMessages(client, listening)
    const settle = () => {
      client.off('connect', succeed)
      client.off('end', succeed)
      client.off('error', fail)
      client.off('close', closed)
      afterAwait(listens)
    }
    const succeed = () => {
      settle()
      resolve(client)
    }
    const fail = (error: Error) => {
      settle()
      client.end()
      reject(error)
    }
    const closed = () => fail(new Error("Couldn't connect to server"))
    client.on('connect', succeed)
    client.on('end', succeed)
    client.on('error', fail)
    if (!allowRetries) client.on('close', closed)
  })
}

/** How many microtasks code may take to see a promise: functions that pass it on take some each. */
const MICROTASKS = 50

/** Calls back when the code after an `await` has run. Timers may be fake. */
function afterAwait(task: () => void, left = MICROTASKS): void {
  soon(left > 0 ? () => afterAwait(task, left - 1) : task)
}
