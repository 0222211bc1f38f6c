import { describe, expect, test } from 'vitest'

import { createTestClock, type ScriptedServer } from '../../testing/index.ts'
import { turns, until } from '../support/event-loop.ts'
import { range } from '../support/range.ts'
import { scriptedClient, versions } from '../support/scripted-client.ts'

const nothing = () => {}

/** The publishes, SUBSCRIBEs and UNSUBSCRIBEs of the newest connection, in order. */
function calls(server: ScriptedServer): string[] {
  const { packets = [] } = server.connections.at(-1) ?? {}
  return packets.flatMap(({ packet }) => {
    if (packet.cmd === 'publish') return [`publish ${packet.topic}`]
    if (packet.cmd === 'subscribe') return [`subscribe ${packet.subscriptions.map(({ topic }) => topic).join(' ')}`]
    return packet.cmd === 'unsubscribe' ? [`unsubscribe ${packet.unsubscriptions.join(' ')}`] : []
  })
}

describe.each(versions)('the order of calls is the order on the wire, MQTT version $version', ({ version }) => {
  describe.each([0, 1, 2] as const)('a publish of QoS %i', (qos) => {
    test('comes after the SUBSCRIBE that was called before it', async () => {
      const { server, client } = await scriptedClient({ version })
      await client.connect()
      client.subscribe('d', nothing)
      void client.publish('d', '', { qos }).catch(nothing)
      await server.waitFor('publish')
      expect(calls(server)).toEqual(['subscribe d', 'publish d'])
    })

    test('comes after the SUBSCRIBE even while another one is under way', async () => {
      const { server, client } = await scriptedClient({ version, script: { suback: false } })
      await client.connect()
      client.subscribe('a', nothing)
      await server.waitFor('subscribe')
      client.subscribe('d', nothing)
      void client.publish('d', '', { qos }).catch(nothing)
      await server.waitFor('publish')
      expect(calls(server)).toEqual(['subscribe a', 'subscribe d', 'publish d'])
    })

    test('comes after the UNSUBSCRIBE that was called before it, and before the one that was called after it', async () => {
      const { server, client } = await scriptedClient({ version })
      const [first, second] = ['a', 'b'].map((filter) => client.subscribe(filter, nothing))
      await client.connect()
      first!.unsubscribe()
      void client.publish('c', '', { qos }).catch(nothing)
      second!.unsubscribe()
      await server.waitFor('unsubscribe', { count: 2 })
      expect(calls(server).slice(1)).toEqual(['unsubscribe a', 'publish c', 'unsubscribe b'])
    })

    // Otherwise, a broker that handles packets concurrently could end up without the subscription.
    test('waits for a SUBSCRIBE that has to wait for the UNSUBACK of the same filter', async () => {
      const { server, client } = await scriptedClient({
        version,
        script: { steps: [{ at: 'unsubscribe', do: 'ignore' }] },
      })
      const first = client.subscribe('d', nothing)
      await client.connect()
      first.unsubscribe()
      const { messageId = 0 } = await server.waitFor('unsubscribe')
      client.subscribe('d', nothing)
      void client.publish('d', '', { qos }).catch(nothing)
      await turns()
      expect(calls(server)).toEqual(['subscribe d', 'unsubscribe d'])
      server.send({ cmd: 'unsuback', messageId, granted: [0] })
      await server.waitFor('publish')
      expect(calls(server)).toEqual(['subscribe d', 'unsubscribe d', 'subscribe d', 'publish d'])
    })
  })

  test('waits a bounded time for a missing UNSUBACK', async () => {
    const clock = createTestClock()
    const { server, client } = await scriptedClient({
      version,
      clock,
      now: clock.now,
      script: { steps: [{ at: 'unsubscribe', do: 'ignore' }] },
    })
    const first = client.subscribe('d', nothing)
    await client.connect()
    first.unsubscribe()
    await server.waitFor('unsubscribe')
    client.subscribe('d', nothing)
    void client.publish('d', '', { qos: 1 }).catch(nothing)
    await turns()
    clock.tick(30_000)
    await server.waitFor('publish')
    expect(calls(server)).toEqual(['subscribe d', 'unsubscribe d', 'subscribe d', 'publish d'])
  })

  test('is sent on the next connection if it still waits for an UNSUBACK', async () => {
    const { server, client } = await scriptedClient({
      version,
      script: [{ steps: [{ at: 'unsubscribe', do: 'ignore' }] }, {}],
    })
    const first = client.subscribe('d', nothing)
    await client.connect()
    first.unsubscribe()
    await server.waitFor('unsubscribe')
    client.subscribe('d', nothing)
    const published = client.publish('d', '', { qos: 1 })
    server.kick()
    await published
    expect(calls(server)).toEqual(['subscribe d', 'publish d'])
  })

  test('subscriptions between two publishes of one turn share a packet', async () => {
    const { server, client } = await scriptedClient({ version })
    await client.connect()
    for (const i of range(3)) client.subscribe(`a/${i}`, nothing)
    void client.publish('x', '').catch(nothing)
    for (const i of range(3)) client.subscribe(`b/${i}`, nothing)
    void client.publish('y', '').catch(nothing)
    await until(() => calls(server).length === 4)
    expect(calls(server)).toEqual(['subscribe a/0 a/1 a/2', 'publish x', 'subscribe b/0 b/1 b/2', 'publish y'])
  })

  test('subscriptions of one turn are sent at its end, in as few packets as the batch size allows', async () => {
    const { server, client } = await scriptedClient({ version, subscriptions: { batchSize: 40 } })
    await client.connect()
    const subscriptions = range(100).map((i) => client.subscribe(`a/${i}`, nothing))
    await Promise.all(subscriptions.map(({ ready }) => ready))
    expect(server.received('subscribe').map(({ subscriptions: { length } }) => length)).toEqual([40, 40, 20])
    for (const subscription of subscriptions) subscription.unsubscribe()
    await until(() => server.received('unsubscribe').flatMap(({ unsubscriptions }) => unsubscriptions).length === 100)
    expect(server.received('unsubscribe')).toHaveLength(3)
    expect(client.status.subscriptions).toMatchObject({ wanted: 0, held: 0 })
  })

  test('in a handler of `connected`, on each connection', async () => {
    const { server, client } = await scriptedClient({ version })
    let n = 0
    client.on('connected', () => {
      client.subscribe(`d/${++n}`, nothing)
      void client.publish('p', '').catch(nothing)
    })
    await client.connect()
    await until(() => calls(server).length === 2)
    expect(calls(server)).toEqual(['subscribe d/1', 'publish p'])
    server.kick()
    await until(() => server.connections.length === 2 && calls(server).length === 3)
    expect(calls(server)).toEqual(['subscribe d/1', 'subscribe d/2', 'publish p'])
  })

  test('in a handler of a message', async () => {
    const { server, client } = await scriptedClient({ version })
    client.subscribe('a', () => {
      client.subscribe('d', nothing)
      void client.publish('d', '').catch(nothing)
    })
    await client.connect()
    server.publish('a', '')
    await server.waitFor('publish')
    expect(calls(server)).toEqual(['subscribe a', 'subscribe d', 'publish d'])
  })

  test('while a refused filter waits to be tried again', async () => {
    const { server, client } = await scriptedClient({ version, script: { suback: { bad: 0x80 } } })
    client.subscribe('bad', nothing)
    await client.connect()
    for (const filter of ['d', 'e']) {
      client.subscribe(filter, nothing)
      void client.publish(filter, '').catch(nothing)
    }
    await server.waitFor('publish', { count: 2 })
    expect(calls(server)).toEqual(['subscribe bad', 'subscribe d', 'publish d', 'subscribe e', 'publish e'])
  })

  test('periodic requests', async () => {
    const { server, client } = await scriptedClient({ version })
    await client.connect()
    client.subscribe('a', nothing)
    const request = client.startPeriodicRequests({ topic: 'poll', payload: '', interval: 60_000 })
    await server.waitFor('publish')
    expect(calls(server)).toEqual(['subscribe a', 'publish poll'])
    request.stop()
  })

  test('a subscription that ends in the same turn is not sent', async () => {
    const { server, client } = await scriptedClient({ version })
    await client.connect()
    client.subscribe('a', nothing).unsubscribe()
    await turns()
    expect(calls(server)).toEqual([])
  })

  test('the last of subscribe, unsubscribe and subscribe before any answer counts', async () => {
    const { server, client } = await scriptedClient({ version })
    await client.connect()
    for (const i of range(3)) {
      const subscription = client.subscribe('a', nothing)
      void client.publish(`${i}`, '').catch(nothing)
      if (i === 2) break
      subscription.unsubscribe()
      void client.publish(`${i}`, '').catch(nothing)
    }
    await until(() => client.status.subscriptions.held === 1)
    await turns()
    await until(() => calls(server).at(-1) === 'publish 2' && client.status.subscriptions.held === 1)
    // A filter never has two packets under way, and requests that were reversed meanwhile are not sent.
    expect(calls(server).filter((call) => !call.startsWith('publish'))).toEqual(['subscribe a', 'subscribe a'])
    expect(client.status.subscriptions).toMatchObject({ wanted: 1, held: 1, refused: 0 })
  })
})

/** The deliveries of a broker that delivers QoS 2 at PUBREL, as mosquitto does (MQTT 5 §4.3.3, method A). */
function delivered({ connections }: ScriptedServer): number[] {
  const held = new Map<number, number>()
  const taken: number[] = []
  for (const { packet } of connections.flatMap(({ packets }) => packets)) {
    if (packet.cmd === 'publish' && packet.qos === 2) held.set(packet.messageId ?? 0, Number(packet.payload))
    else if (packet.cmd === 'publish') taken.push(Number(packet.payload))
    else if (packet.cmd === 'pubrel' && held.has(packet.messageId ?? 0)) {
      taken.push(held.get(packet.messageId ?? 0) as number)
      held.delete(packet.messageId ?? 0)
    }
  }
  return [...new Set(taken)]
}

describe.each(versions)('a topic that mixes QoS 1 and 2, MQTT version $version', ({ version }) => {
  test('keeps the order per QoS across a lost connection, but not between them', async () => {
    const { server, client } = await scriptedClient({
      version,
      script: (_connection, n) => ({
        connack: { sessionPresent: n > 1 },
        ...(n === 1 && { steps: [{ at: 'publish', nth: 30, do: 'close' }] }),
      }),
    })
    await client.connect()
    await Promise.all(range(100).map((i) => client.publish('a', `${i}`, { qos: i % 2 === 0 ? 2 : 1 })))
    const order = delivered(server)
    expect(server.connections).toHaveLength(2)
    for (const odd of [0, 1]) {
      expect(order.filter((i) => i % 2 === odd)).toEqual(range(50).map((i) => 2 * i + odd))
    }
    expect(order).not.toEqual(range(100))
  })
})
