import { ResilientMqttClient, type ResilientMqttClientOptions } from '../src/index.ts'
import { Usage } from './usage.ts'

/** The client of a provider that was given options. It does nothing before the provider is mounted. */
export class ClientOwner {
  readonly client: ResilientMqttClient
  /** Used while the provider is mounted and not hidden: the client is connected. */
  readonly connection: Usage
  /** Used while the provider is mounted: afterwards, the client is disposed. */
  readonly existence: Usage
  #isDisposed = false

  /** @throws {InvalidOptionError} if an option is wrong */
  constructor(options: ResilientMqttClientOptions) {
    this.client = new ResilientMqttClient(options)
    // The client reports through its events why it could not connect.
    this.connection = new Usage(
      () => void this.client.connect(),
      () => void (this.#isDisposed || this.client.disconnect({ outbox: 'keep' })),
    )
    this.existence = new Usage(
      () => {},
      () => {
        this.#isDisposed = true
        void this.client[Symbol.asyncDispose]()
      },
    )
  }
}
