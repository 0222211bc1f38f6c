import { BrowserLevel } from 'browser-level'

import mqttjs from '../../mqttjs/index.ts'
import { ResilientMqttClient, type ResilientMqttClientOptions } from '../../src/index.ts'

/** What the tests call in a page: see `application.ts`. */
export interface Application {
  /** Replaces the client by a new one. */
  create(options: ResilientMqttClientOptions): ResilientMqttClient
  readonly client: ResilientMqttClient
  /** An IndexedDB for the option `store`. */
  store(): Exclude<NonNullable<ResilientMqttClientOptions['store']>, string>
  /** The drop-in for MQTT.js. */
  readonly mqttjs: typeof mqttjs
  /** Violations of the Content Security Policy, and all changes of the page's lifecycle. */
  readonly reported: readonly string[]
}

declare global {
  var app: Application
}

const reported: string[] = []
let client: ResilientMqttClient

Object.assign(globalThis, {
  app: {
    create(options) {
      client = new ResilientMqttClient(options)
      return client
    },
    get client() {
      return client
    },
    store: () => new BrowserLevel('outbox', { keyEncoding: 'view', valueEncoding: 'view' }),
    mqttjs,
    reported,
  } satisfies Application,
})

if (typeof document === 'undefined') publishFromWorker()
else {
  document.addEventListener('securitypolicyviolation', (event) => reported.push(event.violatedDirective))
  for (const name of ['freeze', 'resume']) document.addEventListener(name, () => reported.push(name))
}

/** Says from a worker which one it is. The query of its URL is the URL of the broker. */
function publishFromWorker(): void {
  const worker = new ResilientMqttClient({ url: decodeURIComponent(location.search.slice(1)) })
  void worker.connect()
  void worker.publish('worker', globalThis.constructor.name, { qos: 1 })
}
