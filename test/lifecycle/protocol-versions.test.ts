import { describe, expect, test } from 'vitest'

import type { Failure } from '../../machines/failure.ts'
import { ProtocolVersions } from '../../src/lifecycle/protocol-versions.ts'
import { judgeVersion } from '../../src/mqtt/version-trial.ts'
import { createTestClock, type Behaviour, type ScriptedServer } from '../../testing/index.ts'
import { startClient } from '../support/recorded-client.ts'
import { startBroker, startServer } from '../support/servers.ts'

const url = 'mqtt://a:1883/x'

const soon = { reconnect: { initialDelay: 1, maxDelay: 1, jitter: 'none' } } as const

const versionsOf = (server: ScriptedServer) => server.received('connect').map(({ protocolVersion }) => protocolVersion)

describe('the version of the next attempt', () => {
  const attempts = (versions: ProtocolVersions, ends: readonly ('accepted' | 'refused' | 'unanswered')[]) =>
    ends.map((end) => {
      const trial = versions.next(url)
      trial[end]()
      return trial.version
    })

  test.each<[string, readonly ('accepted' | 'refused' | 'unanswered')[], readonly number[], number]>([
    ['is 5 at first', [], [], 5],
    ['stays 5 once it is accepted', ['accepted', 'unanswered', 'unanswered'], [5, 5, 5], 5],
    ['is 4 after a refusal', ['refused', 'unanswered', 'accepted'], [5, 4, 4], 4],
    ['is 4 after a refusal, also if 5 was accepted earlier', ['accepted', 'refused'], [5, 5], 4],
    ['alternates until one is accepted', ['unanswered', 'unanswered', 'unanswered'], [5, 4, 5], 4],
    ['stays 4 once it is accepted', ['unanswered', 'accepted', 'unanswered', 'unanswered'], [5, 4, 4, 4], 4],
    ['stays 4 if that is refused as well', ['refused', 'refused'], [5, 4], 4],
  ])('%s', (_, ends, tried, next) => {
    const versions = new ProtocolVersions()
    expect(attempts(versions, ends)).toEqual(tried)
    expect(versions.next('mqtt://a:1883/y').version).toBe(next)
    expect(versions.next('mqtt://a:1884/x').version, 'of another port').toBe(5)
  })
})

test.each<[Failure, 'refused' | 'unanswered' | undefined]>([
  [{ kind: 'refused', protocolVersion: 5, reasonCode: 0x84 }, 'refused'],
  [{ kind: 'refused', protocolVersion: 4, reasonCode: 1 }, 'refused'],
  [{ kind: 'refused', protocolVersion: 4, reasonCode: 5 }, undefined],
  [{ kind: 'refused', protocolVersion: 5, reasonCode: 0x87 }, undefined],
  [{ kind: 'closed', beforeConnack: true }, 'unanswered'],
  [{ kind: 'socket', code: 'ECONNRESET', message: '', beforeConnack: true }, 'unanswered'],
  [{ kind: 'socket', code: 'ECONNREFUSED', message: '' }, undefined],
  [{ kind: 'websocket', closeCode: 1002, message: '', beforeConnack: true }, 'unanswered'],
  [{ kind: 'websocket', status: 502, message: '', beforeConnack: true }, undefined],
  [{ kind: 'tls', message: '' }, undefined],
])('%o: %s', (failure, told) => {
  const heard: string[] = []
  const judged = judgeVersion(
    {
      version: 5,
      accepted: () => {},
      refused: () => heard.push('refused') > 0,
      unanswered: () => void heard.push('unanswered'),
    },
    failure,
  )
  expect(heard).toEqual(told ? [told] : [])
  expect(judged).toEqual(told === 'refused' ? { ...failure, nextVersion: 4 } : failure)
})

describe("protocolVersion: 'auto'", () => {
  const only3: Behaviour = { connack: ({ protocolVersion }) => ({ reasonCode: protocolVersion === 5 ? 0x84 : 0 }) }

  test.each<[string, Behaviour, readonly number[]]>([
    ['a broker of MQTT 5', {}, [5, 5]],
    ['a broker that refuses it with 0x84', only3, [5, 4, 4]],
    [
      'a broker that answers with return code 1, as aedes 1.2 does',
      { ...only3, connack: ({ protocolVersion }) => ({ reasonCode: protocolVersion === 5 ? 1 : 0 }) },
      [5, 4, 4],
    ],
    [
      'a broker that closes, as ActiveMQ and RabbitMQ 3.10 do',
      {
        steps: [
          {
            at: 'connect',
            do: (connection, { protocolVersion }) => {
              if (protocolVersion === 5) connection.close()
              else connection.send({ cmd: 'connack', returnCode: 0, sessionPresent: false })
            },
          },
        ],
      },
      [5, 4, 4],
    ],
  ])('%s', async (_, script, versions) => {
    const server = await startServer({ script })
    const { client, heard, next } = startClient({ ...soon, url: server.url, options: { protocolVersion: 'auto' } })
    await client.connect()
    await client.publish('a', '', { qos: 1 })
    // What the server took is remembered.
    server.kick('reset')
    await next('connectionResumed', 1)
    expect(versionsOf(server)).toEqual(versions)
    expect(heard('gaveUp')).toEqual([])
  })

  test('a broker that never answers, as mosca 2.8 does', async () => {
    const server = await startServer({
      script: { connack: ({ protocolVersion }) => (protocolVersion === 5 ? false : {}) },
    })
    const clock = createTestClock()
    const { client, next } = startClient({ ...soon, url: server.url, clock, options: { protocolVersion: 'auto' } })
    const connected = client.connect()
    await server.waitFor('connect')
    clock.tick(30_000)
    expect(await next('reconnectScheduled', 1)).toMatchObject({ failure: { kind: 'timeout', phase: 'connect' } })
    clock.tick(1)
    await connected
    expect(versionsOf(server)).toEqual([5, 4])
  })

  test('aedes 1.2, which answers a CONNECT of MQTT 5 with the return code 1', async () => {
    const broker = await startBroker()
    const { client, next } = startClient({
      url: broker.url,
      ...soon,
      options: { protocolVersion: 'auto' },
    })
    await client.connect()
    expect((await next('reconnectScheduled', 1)).failure).toMatchObject({
      kind: 'refused',
      reasonCode: 1,
      nextVersion: 4,
    })
    await client.publish('a', '', { qos: 1 })
  })

  test('a broker that refuses both versions ends it', async () => {
    const server = await startServer({
      script: { connack: ({ protocolVersion }) => ({ reasonCode: protocolVersion === 5 ? 0x84 : 1 }) },
    })
    const { client, next } = startClient({
      url: server.url,
      ...soon,
      options: { protocolVersion: 'auto' },
    })
    client.connect().catch(() => {})
    expect((await next('gaveUp', 1)).failure).toEqual({ kind: 'refused', protocolVersion: 4, reasonCode: 1 })
    expect(versionsOf(server)).toEqual([5, 4])
  })

  test('a password alone needs MQTT 5', () => {
    const { client } = startClient({ url, options: { protocolVersion: 5, password: 'x' } })
    expect(client.status.state).toBe('idle')
    expect(() => startClient({ url, options: { protocolVersion: 'auto', password: 'x' } })).toThrow('user name')
  })
})
