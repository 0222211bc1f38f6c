import type { Connect } from './peer.ts'

/** The part of aws-crt that is used here. Its own types exist only after `npm ci` in measure/bench/. */
interface AwsCrt {
  readonly io: {
    readonly ClientBootstrap: new () => object
    readonly SocketOptions: new () => object
  }
  readonly mqtt5: {
    readonly Mqtt5Client: new (config: object) => Mqtt5Client
  }
}

interface Mqtt5Client {
  on(event: 'connectionSuccess' | 'messageReceived' | 'stopped' | 'error', listener: () => void): void
  start(): void
  stop(): void
  close(): void
  publish(packet: object): Promise<unknown>
  subscribe(packet: object): Promise<unknown>
}

/** A variable, so that the compiler does not look for the package, which only measure/bench installs. */
const PACKAGE: string = 'aws-crt'

/** The MQTT 5 client of the AWS Common Runtime, which is native code. It does not support QoS 2. Only TCP is measured. */
export const connectAwsCrt: Connect = async ({ port, clientId, clean = true, keepalive = 60, retryDelay = 1_000 }) => {
  const { io, mqtt5 } = ((await import(PACKAGE)) as { default: AwsCrt }).default
  const client = new mqtt5.Mqtt5Client({
    hostName: '127.0.0.1',
    port,
    connectProperties: {
      clientId,
      keepAliveIntervalSeconds: keepalive,
      sessionExpiryIntervalSeconds: clean ? 0 : 3_600,
    },
    sessionBehavior: clean ? 1 : 2,
    minReconnectDelayMs: retryDelay,
    maxReconnectDelayMs: retryDelay,
    clientBootstrap: new io.ClientBootstrap(),
    socketOptions: new io.SocketOptions(),
    // Without it, the CONNECT tells the broker the name, the version and the platform of the SDK.
    disableMetrics: true,
  })
  client.on('error', () => {})
  await new Promise<void>((resolve) => {
    client.on('connectionSuccess', resolve)
    client.start()
  })
  return {
    publish: (topicName, payload, qos, done) => void client.publish({ topicName, payload, qos }).then(done, ignored),
    subscribe: async (filters, qos, onMessage) => {
      client.on('messageReceived', onMessage)
      await client.subscribe({ subscriptions: filters.map((topicFilter) => ({ topicFilter, qos })) })
    },
    end: () =>
      new Promise<void>((resolve) => {
        client.on('stopped', () => {
          client.close()
          resolve()
        })
        client.stop()
      }),
  }
}

/** Ignores publishes that are not acknowledged when the client ends. */
function ignored(): void {}
