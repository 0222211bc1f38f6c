import type { MqttClient } from 'mqtt'
import { Writable } from 'node:stream'
import { expect, test } from 'vitest'

import { Outgoing } from '../../src/mqtt/outgoing.ts'
import type { OutgoingPublish } from '../../src/wire/packets.ts'
import { turns } from '../support/event-loop.ts'
import { range } from '../support/range.ts'

/** A socket that records its writes. It takes none until `release`, if it is `slow`. */
function scene({ slow = false, objectMode = false } = {}) {
  const writes: Uint8Array[] = []
  const written: number[] = []
  let sent = 0
  let writable = 0
  const taken: (() => void)[] = []
  const stream = new Writable({
    // The default is four times as much since Node 22.
    ...(objectMode ? { objectMode, highWaterMark: 1 } : { highWaterMark: 16_384 }),
    write(chunk: Uint8Array, _encoding, done) {
      writes.push(chunk)
      if (slow) taken.push(done)
      else done()
    },
  })
  const outgoing = new Outgoing({
    stream: stream as MqttClient['stream'],
    protocolVersion: 4,
    limits: {},
    line: { sent: () => void sent++ },
    events: { written: (count) => void written.push(count), writable: () => void writable++ },
  })
  const release = async () => {
    for (let next = taken.shift(); next; next = taken.shift()) {
      next()
      await turns()
    }
  }
  return { outgoing, writes, written, sent: () => sent, writable: () => writable, release }
}

const message = (payload: string | Uint8Array, qos: 0 | 1 = 0): OutgoingPublish => ({
  topic: 'a',
  payload,
  qos,
  retain: false,
  properties: undefined,
})

test('all packets of a turn leave in one write at its end, in the order of the calls', async () => {
  const { outgoing, writes, written, sent } = scene()
  outgoing.publish(message('x'), 0, false)
  outgoing.ack('puback', 7)
  outgoing.publish(message('y', 1), 9, true)
  outgoing.ack('pubrel', 8)
  expect(writes).toEqual([])
  await Promise.resolve()
  const bytes = [0x30, 4, 0, 1, 97, 120, 0x40, 2, 0, 7, 0x3a, 6, 0, 1, 97, 0, 9, 121, 0x62, 2, 0, 8]
  expect(writes.map((each) => [...each])).toEqual([bytes])
  expect([written, sent()]).toEqual([[1], 1])
})

test('packets of the next turn leave in another write', async () => {
  const { outgoing, writes } = scene()
  outgoing.ack('puback', 1)
  await Promise.resolve()
  outgoing.ack('puback', 2)
  await Promise.resolve()
  expect(writes).toHaveLength(2)
})

test('what is gathered is bounded: 64 KiB leave before the end of the turn', () => {
  const { outgoing, writes } = scene()
  for (const _ of range(100)) outgoing.publish(message(new Uint8Array(1_000)), 0, false)
  expect(writes).toHaveLength(1)
  expect(writes[0]?.length).toBeGreaterThanOrEqual(65_536)
  expect(writes[0]?.length).toBeLessThan(67_000)
})

test('a large payload is not copied', async () => {
  const { outgoing, writes } = scene()
  const payload = Buffer.alloc(40_000)
  outgoing.publish(message('small'), 0, false)
  outgoing.publish(message(payload), 0, false)
  outgoing.publish(message('small'), 0, false)
  await Promise.resolve()
  expect(writes.map(({ length }) => length)).toEqual([10 + 7, 40_000, 10])
  expect(writes[1]?.buffer).toBe(payload.buffer)
})

test('reports QoS 0 publishes as written when the socket has taken them', async () => {
  const { outgoing, written, writable, release } = scene({ slow: true })
  outgoing.publish(message(new Uint8Array(20_000)), 0, false)
  outgoing.publish(message('x'), 0, false)
  await turns()
  expect([written, outgoing.isFlushed]).toEqual([[], false])
  await release()
  expect([written, writable(), outgoing.isFlushed]).toEqual([[2], 1, true])
})

test('is not writable while 64 KiB wait for the socket, and becomes so again', async () => {
  const { outgoing, writable, release } = scene({ slow: true })
  let count = 0
  for (; outgoing.writable && count < 1_000; count++) outgoing.publish(message(new Uint8Array(1_000)), 0, false)
  expect(count).toBe(Math.ceil(65_536 / 1_006))
  await release()
  expect([outgoing.writable, writable()]).toEqual([true, 1])
})

test('is not writable until a stream is drained that counts chunks, as that of a WebSocket in a browser', async () => {
  const { outgoing, writable, release } = scene({ slow: true, objectMode: true })
  outgoing.publish(message('x'), 0, false)
  expect(outgoing.writable).toBe(true)
  await Promise.resolve()
  expect(outgoing.writable).toBe(false)
  await release()
  expect([outgoing.writable, writable()]).toEqual([true, 1])
})

test('a packet that cannot be encoded leaves nothing behind', async () => {
  const { outgoing, writes } = scene()
  outgoing.ack('puback', 1)
  expect(() => outgoing.publish(message('x', 1), 0, false)).toThrow('the Packet Identifier is 0')
  outgoing.ack('puback', 2)
  await Promise.resolve()
  expect(writes.map((each) => [...each])).toEqual([[0x40, 2, 0, 1, 0x40, 2, 0, 2]])
})

test('writes nothing once it is closed', async () => {
  const { outgoing, writes, written, sent } = scene()
  outgoing.publish(message('x'), 0, false)
  outgoing.close()
  outgoing.publish(message('y'), 0, false)
  outgoing.ack('puback', 1)
  outgoing.flush()
  await turns()
  expect([writes, written, sent(), outgoing.writable]).toEqual([[], [], 0, false])
})
