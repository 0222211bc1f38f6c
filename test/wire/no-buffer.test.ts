import { expect, test, vi } from 'vitest'

import { fc } from '../support/property.ts'
import { encoded, payload, sentProperties, smallPacket, text, topicName } from './arbitraries.ts'
import type * as Oracle from './oracle.ts'

/** The modules as a page loads them: without Node's `Buffer`. */
async function inPage() {
  const { PacketBuffer: OnNode } = await import('../../src/wire/packet-buffer.ts')
  vi.resetModules()
  // Only while they load: the test itself, and mqtt-packet, need it.
  const { Buffer } = globalThis
  vi.stubGlobal('Buffer', undefined)
  const [{ PacketBuffer }, { readText }] = await Promise.all([
    import('../../src/wire/packet-buffer.ts'),
    import('../../src/wire/text.ts'),
    import('../../src/wire/framer.ts'),
    import('../../src/wire/decode-publish.ts'),
    import('../../src/wire/decode-ack.ts'),
  ])
  vi.stubGlobal('Buffer', Buffer)
  const oracle: typeof Oracle = await import('./oracle.ts')
  return { OnNode, PacketBuffer, readText, oracle }
}

test('without `Buffer` the same is read and written', async () => {
  const { OnNode, PacketBuffer, readText, oracle } = await inPage()
  expect(new PacketBuffer(5)).not.toBeInstanceOf(OnNode)

  const onPage = new PacketBuffer(5)
  onPage.ack('puback', 1)
  expect(onPage.take()).toEqual([Uint8Array.of(0x40, 2, 0, 1)])

  fc.assert(
    fc.property(topicName, fc.oneof(payload, text(100)), sentProperties, (topic, sent, properties) => {
      const [node, page] = [new OnNode(5), new PacketBuffer(5)].map((buffer) => {
        // The second time it writes the topic that it remembers.
        for (const qos of [0, 1] as const) {
          buffer.publish({ topic, payload: sent, qos, retain: false, properties }, qos, false)
        }
        return Buffer.concat(buffer.take())
      })
      expect(page?.equals(node ?? Buffer.of())).toBe(true)
    }),
  )

  fc.assert(
    fc.property(fc.array(smallPacket(5), { maxLength: 5 }), (sent) => {
      const bytes = Uint8Array.from(Buffer.concat(sent.map((packet) => encoded(packet, 5))))
      const { failure, packets } = oracle.readAll([bytes], 5)
      const expected = oracle.parseAll([bytes], 5).packets.filter(oracle.isData).map(oracle.asDecoded)
      expect(failure).toBeUndefined()
      const plain = (values: readonly unknown[]) =>
        JSON.stringify(values, (_, value) => (ArrayBuffer.isView(value) ? [...(value as Uint8Array)] : value))
      // `Buffer` has a toJSON of its own.
      expect(JSON.parse(plain(packets))).toEqual(
        JSON.parse(JSON.stringify(expected, (_, value) => (value?.type === 'Buffer' ? value.data : value))),
      )
    }),
  )
  expect(() => readText(Uint8Array.of(0xff), 0, 1, 0x30)).toThrow('not UTF-8')
})

test('without TextEncoder and TextDecoder, which jest-environment-jsdom hides, those of the module `util` are used', async () => {
  vi.resetModules()
  vi.stubGlobal('TextEncoder', undefined)
  vi.stubGlobal('TextDecoder', undefined)
  const { text: codec } = await import('../../src/index.ts')
  const { readText } = await import('../../src/wire/text.ts')
  const { byteLength } = await import('../../src/shared/byte-length.ts')
  const degrees = Buffer.from('20 °C')
  expect(readText(degrees, 0, degrees.length, 0x30)).toBe('20 °C')
  expect(() => readText(Uint8Array.of(0xff), 0, 1, 0x30)).toThrow('not UTF-8')
  expect(codec.decode(degrees)).toBe('20 °C')
  expect(byteLength('°'.repeat(300))).toBe(600)
})

test('without `crypto` and without any TextDecoder, as in old versions of React Native', async () => {
  vi.resetModules()
  vi.stubGlobal('crypto', undefined)
  vi.stubGlobal('TextDecoder', undefined)
  const { randomText } = await import('../../src/shared/random-text.ts')
  const texts = [randomText(11), randomText(11)]
  expect(texts).toEqual([expect.stringMatching(/^[0-9a-z]{11}$/), expect.not.stringContaining(`${texts[0]}`)])

  const { textDecoder } = await import('../../src/shared/text-coders.ts')
  // The runner needs `process` again at once.
  vi.stubGlobal('process', undefined)
  try {
    textDecoder()()
  } catch (error) {
    vi.unstubAllGlobals()
    expect(error).toMatchObject({ message: expect.stringContaining('has no TextEncoder or no TextDecoder') })
  }
  expect.assertions(2)
})
