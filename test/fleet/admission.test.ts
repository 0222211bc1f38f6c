import { fromCallback } from 'xstate'
import { expect, test } from 'vitest'

import { closed, scene, seconds, settle } from '../machines/scene.ts'

/** A machine that asks a gate, which the test opens. */
function gated() {
  let inside = 0
  const asked: (() => void)[] = []
  const admission = fromCallback(({ sendBack }) => {
    inside++
    asked.push(() => sendBack({ type: 'admission.granted' }))
    return () => void inside--
  })
  const s = scene({ input: { gated: true }, actors: { admission } })
  return {
    s,
    asked,
    admit: () => asked.at(-1)?.(),
    /** How many have asked, or are in, and have not left. */
    get inside() {
      return inside
    },
  }
}

test('no connection is opened before it is admitted, however long that takes', () => {
  const { s, admit } = gated()
  s.send('CONNECT')
  s.clock.tick(seconds(3_600))
  expect([s.state, s.context.admission]).toEqual(['connecting', 'awaited'])
  expect(s.transport.connections).toHaveLength(0)
  admit()
  expect([s.state, s.context.admission]).toEqual(['connecting', 'granted'])
  expect(s.transport.running).toBe(1)
})

test('the time of an attempt begins when it is admitted', () => {
  const { s, admit } = gated()
  s.send('CONNECT')
  s.clock.tick(seconds(100))
  admit()
  s.clock.tick(seconds(30) - 1)
  expect(s.state).toBe('connecting')
  s.clock.tick(1)
  expect(s.state).toBe('reconnecting')
})

test.each<[string, (s: ReturnType<typeof gated>['s']) => void]>([
  ['it opens', (s) => s.transport.current.open()],
  ['it fails', (s) => s.transport.current.fail(closed)],
  ['it takes too long', (s) => s.clock.tick(seconds(30))],
  ['somebody disconnects', (s) => s.send('DISCONNECT')],
])('the admission is given back when %s', (_, end) => {
  const gate = gated()
  gate.s.send('CONNECT')
  gate.admit()
  expect(gate.inside).toBe(1)
  end(gate.s)
  expect([gate.inside, gate.s.context.admission]).toEqual([0, 'none'])
})

test('each attempt asks anew', async () => {
  const { s, asked, admit } = gated()
  s.send('CONNECT')
  admit()
  s.transport.current.fail(closed)
  s.clock.tick(seconds(1))
  expect(asked).toHaveLength(2)
  expect(s.transport.connections).toHaveLength(1)
  admit()
  s.transport.current.open()
  await settle()
  expect(s.state).toBe('connected.ready')
})

test('so does one that follows a redirect', () => {
  const gate = gated()
  gate.s.send('CONNECT')
  gate.admit()
  gate.s.transport.current.fail({ kind: 'refused', protocolVersion: 5, reasonCode: 0x9d, serverReference: 'other' })
  expect(gate.inside).toBe(gate.s.state === 'connecting' ? 1 : 0)
})

test('who waits to be admitted can be disconnected, and leaves nothing behind', () => {
  const gate = gated()
  gate.s.send('CONNECT')
  gate.s.send('DISCONNECT')
  expect(gate.s.state).toBe('disconnected')
  expect(gate.inside).toBe(0)
  expect(gate.s.clock.pending).toBe(0)
})

test('a gate that breaks keeps nobody out', () => {
  const admission = fromCallback(() => {
    throw new Error('broken')
  })
  const s = scene({ input: { gated: true }, actors: { admission } })
  s.send('CONNECT')
  expect(s.transport.running).toBe(1)
  expect(s.errors).toEqual([])
})

test('without a gate nobody is asked', () => {
  const s = scene()
  s.send('CONNECT')
  expect([s.context.admission, s.transport.running]).toEqual(['none', 1])
})
