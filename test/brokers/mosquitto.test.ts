import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import type { Mosquitto, MosquittoOptions } from '../../measure/lab/mosquitto.ts'
import { tls } from '../../measure/lab/tls-fixture.ts'
import type { Failure, Message, ResilientMqttClientOptions } from '../../src/index.ts'
import { until } from '../support/event-loop.ts'
import { dynamicSecurity, howToInstall, installed, startMosquitto, writePassword } from '../support/mosquitto.ts'
import { rejection } from '../support/promises.ts'
import { once, startClient } from '../support/recorded-client.ts'
import { protocolVersions } from '../support/servers.ts'

const patient = { timeout: 20_000 }

/** Retries soon, but without flooding a broker that is starting. */
const soon = {
  reconnect: { initialDelay: 20, maxDelay: 100, jitter: 'none', maxAttempts: Number.POSITIVE_INFINITY },
} as const satisfies Partial<ResilientMqttClientOptions>

describe.skipIf(!installed)(`mosquitto${installed ? '' : ` (${howToInstall})`}`, () => {
  const running = new Set<Mosquitto>()
  const start = async (options?: MosquittoOptions) => {
    const mosquitto = await startMosquitto(options)
    running.add(mosquitto)
    return mosquitto
  }
  afterAll(async () => {
    await Promise.all([...running].map((mosquitto) => mosquitto[Symbol.asyncDispose]()))
  })

  describe.each(protocolVersions)('MQTT %i', (protocolVersion) => {
    test('restores subscriptions and delivers messages published meanwhile after the broker was killed and restarted', async () => {
      const broker = await start()
      const { client, next, heard } = startClient({ ...soon, url: broker.url, options: { protocolVersion } })
      const got: string[] = []
      client.subscribe('room/#', (message) => void got.push(message.text()), { qos: 1 })
      await client.connect()
      await client.publish('room/1', 'before', { qos: 1 })
      await until(() => got.length === 1, 'the first message')

      await broker.down()
      await next('connectionInterrupted', 1, patient)
      const meanwhile = client.publish('room/2', 'meanwhile', { qos: 1 })
      await next('reconnectScheduled', 2, patient)
      await broker.up()
      await next('connectionResumed', 1, patient)
      await meanwhile
      await until(() => got.length >= 2, 'the second message')
      expect(got).toEqual(['before', 'meanwhile'])
      expect(heard('connectionInterrupted')).toHaveLength(1)
      await broker.down()
    })

    test('gives the retained messages of a held filter to a second handler, and to it alone', async () => {
      const broker = await start()
      const { client } = startClient({ ...soon, url: broker.url, options: { protocolVersion } })
      const got: string[] = []
      const note = (name: string) => client.subscribe('kept/#', ({ topic }) => void got.push(`${name} ${topic}`))
      const kept = ['kept/1', 'kept/2', 'kept/3']
      for (const topic of kept) void client.publish(topic, 'value', { retain: true, qos: 1 })
      await client.connect()
      note('first')
      await until(() => got.length === 3, 'the messages of the first handler')
      note('second')
      await until(() => got.length >= 6, 'the messages of the second handler')
      await client.publish('kept/end', '', { qos: 1 })
      await until(() => got.includes('second kept/end'), 'the last message')
      const all = [...kept, 'kept/end']
      expect(got.toSorted()).toEqual(['first', 'second'].flatMap((name) => all.map((topic) => `${name} ${topic}`)))
      await broker.down()
    })

    test('loses no message of a kept session that arrives before the application has subscribed', async () => {
      const broker = await start()
      const options = { protocolVersion, clientId: 'kept', clean: false } as const
      const before = startClient({ ...soon, url: broker.url, options })
      const held = before.client.subscribe('kept/#', () => {}, { qos: 2 })
      await before.client.connect()
      await held.ready
      await before.client.disconnect()
      const { client: publisher } = startClient({ ...soon, url: broker.url, options: { protocolVersion } })
      await publisher.connect()
      for (const qos of [1, 2] as const) await publisher.publish('kept/a', `${qos}`, { qos })

      const { client } = startClient({ ...soon, url: broker.url, options })
      await client.connect()
      await until(() => client.status.inbox.unclaimed === 2, 'what the broker kept')
      const got: string[] = []
      client.subscribe('kept/#', (message) => void got.push(message.text()), { qos: 2 })
      await until(() => got.length === 2, 'the messages')
      expect(got).toEqual(['1', '2'])
      await until(() => client.status.inbox.heldBack === 0, 'their acknowledgements')
    })

    test('keeps the connection while rejecting handlers fill the window, until they succeed', async () => {
      const broker = await start()
      const { client, heard } = startClient({ ...soon, url: broker.url, options: { protocolVersion } })
      const got = new Set<string>()
      let databaseIsUp = false
      const save = (message: Message) => {
        if (!databaseIsUp) throw new Error('the database is down')
        got.add(message.text())
      }
      client.on('error', () => {})
      const retry = { initialDelay: 50, maxDelay: 50, maxAttempts: Number.POSITIVE_INFINITY }
      await client.connect()
      await client.subscribe('save', save, { qos: 1, ack: 'after-handler', retry }).ready
      // More than `max_inflight_messages`, which is 20.
      for (let i = 0; i < 60; i++) await client.publish('save', `${i}`, { qos: 1 })
      await until(() => client.status.inbox.heldBack >= 20, 'the full window')
      databaseIsUp = true
      await until(() => got.size === 60, 'all messages')
      expect(heard('connectionInterrupted')).toEqual([])
    })

    test('passes a message to each handler once when filters overlap, with QoS 2 too', async () => {
      const broker = await start()
      const { client } = startClient({ ...soon, url: broker.url, options: { protocolVersion } })
      const got: string[] = []
      for (const filter of ['pay/#', 'pay/+', 'pay/x', 'end']) {
        client.subscribe(filter, () => void got.push(filter), { qos: 2 })
      }
      await client.connect()
      for (const qos of [0, 1, 2] as const) await client.publish('pay/x', '', { qos })
      await client.publish('end', '', { qos: 2 })
      await until(() => got.includes('end'), 'the last message')
      const times = (filter: string) => got.filter((each) => each === filter).length
      expect(['pay/#', 'pay/+', 'pay/x'].map(times)).toEqual([3, 3, 3])
      await broker.down()
    })

    test('detects a half-open connection to a stopped broker by keep alive', async () => {
      const broker = await start()
      const { client, next } = startClient({
        ...soon,
        url: broker.url,
        options: { protocolVersion, keepalive: 1_000 },
        timeouts: { connectTimeout: 300 },
      })
      await client.connect()
      broker.signal('SIGSTOP')
      const { failure } = await next('connectionInterrupted', 1, patient)
      expect(failure).toEqual({ kind: 'keepalive' })
      // The kernel still accepts connections, but the stopped process does not answer.
      await next('reconnectScheduled', 2, patient)
      expect(client.status.lastFailure).toEqual({ kind: 'timeout', phase: 'connect' })
      broker.signal('SIGCONT')
      await next('connectionResumed', 1, patient)
      await client.publish('a', 'alive', { qos: 2 })
      await broker.down()
    })

    test('rejects connect() with a wrong password after one attempt', async () => {
      const broker = await start({
        prepare: (dir) => writePassword(join(dir, 'passwords'), 'me', 'right'),
        config: (dir) => ['allow_anonymous false', `password_file ${join(dir, 'passwords')}`],
      })
      const options = { protocolVersion, username: 'me', password: 'wrong' } as const
      const { client } = startClient({ ...soon, url: broker.url, options })
      expect(await rejection(client.connect())).toMatchObject({
        name: 'ConnectionFailedError',
        failure: { kind: 'refused', protocolVersion, reasonCode: protocolVersion === 5 ? 0x87 : 5 },
      })
      expect(client.status.counters.failedAttempts, 'a fixed password cannot change').toBe(1)

      const passwords = ['wrong', 'right']
      const source = startClient({
        ...soon,
        url: broker.url,
        options: { protocolVersion },
        credentials: () => ({ username: 'me', password: passwords.shift() ?? 'none' }),
      })
      await source.client.connect()
      expect(source.heard('tokenRefreshed').map(({ reason }) => reason)).toEqual(['initial', 'refused'])
      await broker.down()
    })

    test('stops one of two clients with the same id and gives the reason', async () => {
      const broker = await start()
      const options = { protocolVersion, clientId: 'one' } as const
      const first = startClient({ ...once, url: broker.url, options })
      const second = startClient({ ...once, url: broker.url, options })
      await first.client.connect()
      await second.client.connect()
      const { failure } = await first.next('gaveUp', 1, patient)
      // mosquitto up to 2.0.11 only closes; later versions send 0x8E to MQTT 5 clients.
      expect([{ kind: 'closed' }, { kind: 'disconnected', reasonCode: 0x8e }] satisfies Failure[]).toContainEqual(
        failure,
      )
      await second.client.publish('a', 'x', { qos: 1 })
      expect(second.heard('connectionInterrupted')).toEqual([])
      await broker.down()
    })

    test('receives the messages of an outage without subscribing again in a persistent session', async () => {
      const broker = await start()
      const options = { protocolVersion, clientId: 'kept', clean: false } as const
      const { client, next } = startClient({ ...soon, url: broker.url, options })
      const got: string[] = []
      client.subscribe('room', (message) => void got.push(message.text()), { qos: 1 })
      await client.connect()
      await client.disconnect({ outbox: 'keep' })

      const other = startClient({ ...soon, url: broker.url })
      await other.client.connect()
      await other.client.publish('room', 'while away', { qos: 1 })
      // mosquitto writes the session to disk within a second; the other client waits that long.
      broker.signal('SIGHUP')
      await client.connect()
      await until(() => got.length === 1, 'the message')
      expect(got).toEqual(['while away'])
      expect(await next('connected', 2)).toMatchObject({ sessionPresent: true, restored: 1 })
      await broker.down()
    })
  })

  test('MQTT 5: names the code 0x95 of a publish above message_size_limit, and keeps the connection', async () => {
    const broker = await start({ config: ['message_size_limit 10'] })
    const { client, heard } = startClient({ ...soon, url: broker.url, options: { protocolVersion: 5 } })
    await client.connect()
    for (const qos of [1, 2] as const) {
      await expect(client.publish('a', 'x'.repeat(11), { qos })).rejects.toThrow('packet too large (0x95)')
    }
    await client.publish('a', 'x', { qos: 2 })
    expect(heard('connectionInterrupted')).toEqual([])
    await broker.down()
  })

  describe('TLS and WebSocket', () => {
    let broker: Mosquitto
    beforeAll(async () => {
      broker = await start({
        prepare: (dir) => {
          writeFileSync(join(dir, 'cert.pem'), tls.cert)
          writeFileSync(join(dir, 'key.pem'), tls.key)
        },
        listeners: (dir) => {
          const secure = [`certfile ${join(dir, 'cert.pem')}`, `keyfile ${join(dir, 'key.pem')}`]
          return { mqtts: secure, ws: ['protocol websockets'], wss: ['protocol websockets', ...secure] }
        },
      })
    })

    const url = (scheme: string) => `${scheme}://127.0.0.1:${broker.ports[scheme]}`
    const trusting = { tls: { ca: String(tls.cert) } }

    test.each(['mqtts', 'ws', 'wss'].flatMap((scheme) => protocolVersions.map((version) => ({ scheme, version }))))(
      'connects over $scheme with the given CA, MQTT $version',
      async ({ scheme, version }) => {
        const { client } = startClient({
          ...once,
          url: url(scheme),
          options: { ...trusting, protocolVersion: version },
        })
        const got: string[] = []
        client.subscribe('loop', (message) => void got.push(message.text()), { qos: 2 })
        await client.connect()
        await client.publish('loop', 'x', { qos: 2 })
        await until(() => got.length === 1, 'the message')
        expect(got).toEqual(['x'])
        await client.disconnect()
      },
    )

    test.each(['mqtts', 'wss'])('rejects the certificate over %s without the CA', async (scheme) => {
      const { client } = startClient({ ...once, url: url(scheme) })
      expect(await rejection(client.connect())).toMatchObject({
        failure: { kind: 'tls', code: 'DEPTH_ZERO_SELF_SIGNED_CERT' },
      })
    })

    test('fails to connect with TLS to the plain text port', async () => {
      const { client } = startClient({ ...once, url: `mqtts://127.0.0.1:${broker.ports['mqtt']}`, options: trusting })
      const { failure } = (await rejection(client.connect())) as unknown as { failure: Failure }
      expect(['socket', 'tls', 'closed']).toContain(failure.kind)
    })

    test('fails to connect in plain text to the TLS port', async () => {
      const { client } = startClient({ ...once, url: `mqtt://127.0.0.1:${broker.ports['mqtts']}` })
      const { failure } = (await rejection(client.connect())) as unknown as { failure: Failure }
      expect(['socket', 'protocol', 'closed']).toContain(failure.kind)
    })
  })

  const security = installed ? dynamicSecurity() : undefined
  describe.skipIf(!security)('dynamic security: a client is disabled while it is connected', () => {
    test('MQTT 5: requests new credentials after DISCONNECT 0x98', async () => {
      const admin = ['-u', 'admin', '-P', 'admin-password']
      const broker = await start({
        prepare: (dir) => {
          const file = join(dir, 'security.json')
          security?.run(['dynsec', 'init', file, 'admin', 'admin-password'])
        },
        config: (dir) => [
          'allow_anonymous false',
          `plugin ${security?.plugin}`,
          `plugin_opt_config_file ${join(dir, 'security.json')}`,
        ],
      })
      const control = (...args: string[]) =>
        security?.run(['-h', '127.0.0.1', '-p', String(broker.ports['mqtt']), ...admin, 'dynsec', ...args])
      for (const name of ['old', 'new']) control('createClient', name, '-p', `${name}-password`)

      const names = ['old', 'new']
      const { client, next, heard } = startClient({
        ...soon,
        url: broker.url,
        options: { protocolVersion: 5 },
        credentials: () => {
          const name = names.shift() ?? 'none'
          return { username: name, password: `${name}-password` }
        },
        timeouts: { stableAfter: 0 },
      })
      await client.connect()
      await until(() => client.actor.getSnapshot().context.credentials.status === 'proven', 'a stable connection')
      control('disableClient', 'old')
      expect(await next('connectionInterrupted', 1, patient)).toEqual({
        failure: { kind: 'disconnected', reasonCode: 0x98 },
      })
      await next('connectionResumed', 1, patient)
      expect(heard('tokenRefreshed').map(({ reason }) => reason)).toEqual(['initial', 'refused'])
      expect(client.isConnected).toBe(true)
      await broker.down()
    })
  })
})
