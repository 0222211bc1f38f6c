import { expect, test } from 'vitest'

import { tls } from '../../measure/lab/tls-fixture.ts'
import { until } from '../support/event-loop.ts'
import { startClient } from '../support/recorded-client.ts'
import { everywhere, serve, trusting } from '../support/servers.ts'

const marker = 'planted'
/** Texts and properties that a server can send. */
const identity = { key: String(tls.key), cert: String(tls.cert) }

const secret = (name: string) => `${marker}-${name}`

test.each(everywhere)(
  'no secret appears in events, errors, logs or snapshots: $scheme, MQTT $version',
  async ({ scheme, version }) => {
    const server = await serve(scheme, {
      script: [{ connack: { reasonCode: version === 5 ? 0x87 : 5 } }, {}, { connack: false }],
    })
    const url = `${server.url.replace('://', `://user:${secret('in-url')}@`)}${scheme.startsWith('ws') ? `?sig=${secret('query')}` : ''}`
    const errors: unknown[] = []
    let asked = 0
    let evaluated = 0
    const s = startClient({
      url,
      reconnect: { initialDelay: 1, maxDelay: 1, jitter: 'none', maxAttempts: 12 },
      recovery: { enabled: false },
      options: () => {
        if (++evaluated === 2) throw new TypeError(secret('in-the-error-of-options'))
        return {
          tls: {
            ...trusting.tls,
            ...((scheme === 'mqtts' || scheme === 'wss') && identity),
            passphrase: secret('passphrase'),
          },
          protocolVersion: version,
          username: 'user',
          password: secret('password'),
          wsOptions: { headers: { cookie: secret('cookie') } },
          ...(version === 5 && { userProperties: { token: secret('property') } }),
          will: { topic: 'gone', payload: secret('will') },
        }
      },
      credentials: () => {
        if (++asked === 2) throw new RangeError(secret('in-the-error-of-credentials'))
        return {
          username: 'user',
          password: new TextEncoder().encode(secret(`token-${asked}`)),
          wsHeaders: { authorization: secret('header') },
          ...(asked > 2 && { url: url.replace('?', `?again=${secret('again')}&`) }),
          expiresAt: Date.now() + 3_600_000,
        }
      },
    })
    const { client, inspected, told, lines, next } = s
    // These receive the original error; all others receive its name.
    client.on('error', ({ error }) => errors.push(error))

    await client.connect()
    await client.publish('a', secret('payload'), { qos: 1 })
    server.setScript([{ steps: [{ at: 'connect', do: 'malformed' }] }, {}])
    server.kick('reset')
    await next('connectionResumed')
    client.recover()
    await next('connected')
    client.recover()
    await next('connected')
    await server.close()
    const gaveUp = next('gaveUp')
    expect((await gaveUp).failure).toMatchObject({ kind: 'socket', code: 'ECONNREFUSED' })
    const failed = await client.connect().then(String, (error: unknown) => error)
    await until(() => errors.length >= 2, 'the errors')

    expect(String(server.received('connect').at(-1)?.password)).toContain(marker)
    const collected = { inspected, told, lines, failed, status: client.status, snapshot: client.actor.getSnapshot() }
    expect(find(collected)).toEqual([])
    expect(find(JSON.parse(JSON.stringify(client.actor.getPersistedSnapshot())))).toEqual([])
    expect(find(errors).length, 'the search works').toBeGreaterThan(0)
  },
)

/** The paths at which the marker occurs in a value, including keys and hidden properties. */
function find(root: unknown): string[] {
  const found: string[] = []
  const seen = new WeakSet()
  const queue: [path: string, value: unknown][] = [['', root]]
  // The queue grows meanwhile, to 100,000 entries: it is not shifted.
  for (const [path, value] of queue) {
    if (typeof value === 'string' && value.includes(marker)) found.push(`${path}: ${value}`)
    if (value instanceof Uint8Array && Buffer.from(value).includes(marker)) found.push(path)
    if (value === null || (typeof value !== 'object' && typeof value !== 'function')) continue
    if (seen.has(value) || ArrayBuffer.isView(value)) continue
    seen.add(value)
    for (const key of Reflect.ownKeys(value)) {
      const descriptor = Object.getOwnPropertyDescriptor(value, key)
      // The value of a getter is found where it is stored.
      if (descriptor && 'value' in descriptor) queue.push([`${path}.${String(key)}`, descriptor.value])
      queue.push([`${path} key`, key])
    }
    if (value instanceof Map) for (const [key, item] of value) queue.push([`${path}[]`, key], [`${path}[]`, item])
    if (value instanceof Set) for (const item of value) queue.push([`${path}[]`, item])
  }
  return found
}
