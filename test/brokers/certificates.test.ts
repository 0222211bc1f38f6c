import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import type { Mosquitto } from '../../measure/lab/mosquitto.ts'
import { certificateExpiry } from '../../src/config/node-options.ts'
import { describeFailure, type Failure, type ResilientMqttClientOptions } from '../../src/index.ts'
import { type Certificate, opensslInstalled, TestCa } from '../support/certificates.ts'
import { howToInstall, installed, startMosquitto } from '../support/mosquitto.ts'
import { rejection } from '../support/promises.ts'
import { once, startClient } from '../support/recorded-client.ts'
import { sharedFolder } from '../support/temporary-folder.ts'

const soon = {
  reconnect: { initialDelay: 20, maxDelay: 60_000, jitter: 'none', maxAttempts: Number.POSITIVE_INFINITY },
} as const satisfies Partial<ResilientMqttClientOptions>

describe.skipIf(!installed || !opensslInstalled)(`certificates${installed ? '' : ` (${howToInstall})`}`, () => {
  const folder = sharedFolder()
  let broker: Mosquitto
  let ca: TestCa
  const clients = {} as Record<'valid' | 'expired' | 'foreign', Certificate>

  beforeAll(async () => {
    const [ours, theirs] = ['ours', 'theirs'].map((name) => {
      mkdirSync(join(folder, name))
      return new TestCa(join(folder, name))
    }) as [TestCa, TestCa]
    ca = ours
    ours.issue('server')
    ours.issue('old', { expired: true })
    ours.issue('other', { altName: 'DNS:other.example' })
    Object.assign(clients, {
      valid: ours.issue('valid'),
      expired: ours.issue('expired', { expired: true }),
      foreign: theirs.issue('foreign'),
    })
    const listener = (name: string, ...more: string[]) => [
      `certfile ${join(folder, 'ours', `${name}.pem`)}`,
      `keyfile ${join(folder, 'ours', `${name}.key`)}`,
      ...more,
    ]
    broker = await startMosquitto({
      listeners: () => ({
        strict: listener('server', `cafile ${join(folder, 'ours', 'ca.pem')}`, 'require_certificate true'),
        old: listener('old'),
        other: listener('other'),
      }),
    })
  })
  afterAll(() => broker?.[Symbol.asyncDispose]())

  const url = (listener: string) => `mqtts://127.0.0.1:${broker.ports[listener]}`

  test.each<[string, keyof typeof clients | undefined, string]>([
    ['no client certificate', undefined, 'the server requires a client certificate'],
    ['an expired one', 'expired', 'the server refused our client certificate, because it has expired'],
    ['one of another CA', 'foreign', 'the server refused our client certificate, because it does not know its CA'],
  ])('the broker refuses %s, and the words are the same each time', async (_, name, words) => {
    const told: string[] = []
    for (let n = 0; n < 2; n++) {
      const options = { tls: { ca: ca.cert, ...(name && clients[name]) } }
      const { client } = startClient({ ...once, url: url('strict'), options })
      const { failure } = (await rejection(client.connect())) as unknown as { failure: Failure }
      expect(failure.kind).toBe('tls')
      told.push(JSON.stringify(failure), describeFailure(failure))
    }
    expect(told[1]).toBe(words)
    expect(told.slice(2)).toEqual(told.slice(0, 2))
    expect(told[0]).not.toMatch(/\\n|openssl|:error:/)
  })

  test('a renewed client certificate is used at the next attempt', async () => {
    const given = [clients.expired, clients.valid]
    const { client, heard } = startClient({
      ...soon,
      url: url('strict'),
      options: () => ({ tls: { ca: ca.cert, ...(given.shift() ?? clients.foreign) } }),
    })
    await client.connect()
    expect(heard('reconnectScheduled')).toMatchObject([{ attempt: 1, delay: 20, failure: { kind: 'tls' } }])
    expect(given).toEqual([])
  })

  test.each([
    ['expired', 'old', 'the certificate of the server has expired'],
    ['for another name', 'other', 'the certificate of the server is for another name'],
    ['from an unknown CA', 'strict', 'the certificate of the server is from an unknown CA'],
  ])('a server certificate that is %s is tried at a slow pace', async (title, listener, words) => {
    const options = title === 'from an unknown CA' ? {} : { tls: { ca: ca.cert } }
    const { client, next } = startClient({ ...soon, url: url(listener), options })
    client.connect().catch(() => {})
    const { delay, failure } = await next('reconnectScheduled', 1)
    expect(delay).toBe(60_000)
    expect(describeFailure(failure)).toContain(words)
  })

  test('the expiry of a certificate is read from what Node takes', () => {
    const { cert } = clients.expired
    const expiry = Date.UTC(2021, 0, 1)
    for (const given of [cert, Buffer.from(cert), [cert], `${cert}${ca.cert}`]) {
      expect(certificateExpiry(given)).toBe(expiry)
    }
    for (const given of [undefined, 'none', [], 7]) expect(certificateExpiry(given)).toBeUndefined()
  })
})
