import dns from 'node:dns'
import { expect, onTestFinished, test, vi } from 'vitest'

import { tls } from '../../measure/lab/tls-fixture.ts'
import { Addresses } from '../../src/mqtt/addresses.ts'
import type { Lookup } from '../../src/mqtt/node-module.ts'
import { createScriptedServer } from '../../testing/index.ts'
import { schemes, trusting } from '../support/servers.ts'
import { transportScene } from './transport-scene.ts'

const NAME = 'localhost'

/** Lets the name have these addresses. */
function resolve(...addresses: string[]): void {
  const all = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
  const lookup: Lookup = (_hostname, options, found) =>
    process.nextTick(() => (options.all ? found(null, all) : found(null, all[0]?.address ?? '', all[0]?.family)))
  vi.spyOn(dns, 'lookup').mockImplementation(lookup as never)
  onTestFinished(() => void vi.restoreAllMocks())
}

function resolved(addresses: Addresses, options: { all?: boolean }): Promise<unknown> {
  return new Promise((done) =>
    addresses.lookup?.(NAME, options, (_error, found, family) => done(family ? [found, family] : found)),
  )
}

test('addresses that did not answer come last, the latest one at the very end', async () => {
  resolve('10.0.0.1', 'fd00::2', '10.0.0.3')
  const addresses = new Addresses()
  const order = async () =>
    ((await resolved(addresses, { all: true })) as { address: string }[]).map(({ address }) => address)
  expect(await order()).toEqual(['10.0.0.1', 'fd00::2', '10.0.0.3'])
  addresses.failed(NAME, '10.0.0.1')
  expect(await order()).toEqual(['fd00::2', '10.0.0.3', '10.0.0.1'])
  addresses.failed(NAME, 'fd00::2')
  addresses.failed(NAME, '10.0.0.1')
  expect(await order()).toEqual(['10.0.0.3', 'fd00::2', '10.0.0.1'])
  addresses.answered(NAME, 'fd00::2')
  expect(await order()).toEqual(['fd00::2', '10.0.0.3', '10.0.0.1'])
  addresses.failed('other', '10.0.0.3')
  expect(await resolved(addresses, {})).toEqual(['fd00::2', 6])
})

test('passes on the error of a name that does not exist', async () => {
  vi.spyOn(dns, 'lookup').mockImplementation(((_name: string, _options: object, found: (error: Error) => void) =>
    found(new Error('ENOTFOUND'))) as never)
  onTestFinished(() => void vi.restoreAllMocks())
  const addresses = new Addresses()
  addresses.failed(NAME, '10.0.0.1')
  await new Promise<void>((done) => {
    addresses.lookup?.(NAME, {}, (error) => {
      expect(error?.message).toBe('ENOTFOUND')
      done()
    })
  })
})

/** Two servers on one port of two addresses: the first closes each connection at CONNECT, the second answers. */
async function twoServers(scheme: (typeof schemes)[number]) {
  const shared = {
    transport: scheme.startsWith('ws') ? 'ws' : 'tcp',
    ...(scheme.length > 4 || scheme === 'wss' ? { tls } : {}),
  } as const
  const script = { steps: [{ at: 'connect', do: 'close' }] } as const
  const bad = await createScriptedServer({ ...shared, script })
  const good = await createScriptedServer({ ...shared, host: '127.0.0.2', port: bad.port })
  onTestFinished(async () => {
    await bad.close()
    await good.close()
  })
  return { bad, good }
}

test.each(schemes)('the next attempt takes the next address: %s', async (scheme) => {
  const { bad, good } = await twoServers(scheme)
  resolve('127.0.0.1', '127.0.0.2')
  const scene = transportScene({ url: bad.url.replace('127.0.0.1', NAME), options: trusting })
  scene.start()
  await scene.waitFor('transport.failed')
  expect([bad.connections.length, good.connections.length]).toEqual([1, 0])
  for (const n of [1, 2, 3]) {
    scene.start()
    await scene.waitFor('transport.opened', n)
  }
  expect([bad.connections.length, good.connections.length]).toEqual([1, 3])
})

test('an address that is silent until the attempt is ended is not the first again', async () => {
  const { bad, good } = await twoServers('mqtt')
  resolve('127.0.0.1', '127.0.0.2')
  bad.setScript({ steps: [{ at: 'connect', do: 'ignore' }] })
  const scene = transportScene({ url: bad.url.replace('127.0.0.1', NAME) })
  scene.start()
  await bad.waitFor('connect')
  scene.start()
  await scene.waitFor('transport.opened')
  expect(good.connections).toHaveLength(1)
})

test('an address that refuses the CONNECT stays the first', async () => {
  const { bad, good } = await twoServers('mqtt')
  resolve('127.0.0.1', '127.0.0.2')
  bad.setScript({ connack: { reasonCode: 3 } })
  const scene = transportScene({ url: bad.url.replace('127.0.0.1', NAME) })
  for (const n of [1, 2]) {
    scene.start()
    await scene.waitFor('transport.failed', n)
  }
  expect([bad.connections.length, good.connections.length]).toEqual([2, 0])
})

test('an address that does not accept leaves the order to Node', async () => {
  const { bad, good } = await twoServers('mqtt')
  resolve('127.0.0.1', '127.0.0.2')
  await bad.close()
  const scene = transportScene({ url: bad.url.replace('127.0.0.1', NAME) })
  scene.start()
  await scene.waitFor('transport.opened')
  expect(good.connections).toHaveLength(1)
})
