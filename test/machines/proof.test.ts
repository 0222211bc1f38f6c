import { expect, test } from 'vitest'

import { readyScene, machineScene, seconds } from '../support/machine-scene.ts'

/** A machine that has failed once, and is connected again. */
async function connectedAgain(prove?: () => void) {
  const s = await readyScene({ ...(prove && { actions: { prove } }) })
  s.transport.current.fail()
  s.clock.tick(seconds(1))
  s.transport.current.open()
  expect(s.context.attempt).toBe(1)
  return s
}

test('a connection is proven after `stableAfter` by default', async () => {
  const s = await connectedAgain()
  s.clock.tick(seconds(30) - 1)
  expect(s.context.attempt).toBe(1)
  s.clock.tick(1)
  expect(s.context).toMatchObject({ attempt: 0, unprovenSince: null })
})

test('the session can withhold the proof, and give it later', async () => {
  let asked = 0
  const s = await connectedAgain(() => void asked++)
  s.clock.tick(seconds(600))
  expect(asked).toBe(1)
  expect(s.context.attempt).toBe(1)
  s.tell({ type: 'transport.proven' })
  expect(s.context).toMatchObject({ attempt: 0, unprovenSince: null })
})

test('the counters continue after a connection that ends without proof', async () => {
  const s = await connectedAgain(() => {})
  s.clock.tick(seconds(60))
  s.transport.current.fail({ kind: 'timeout', phase: 'ack' })
  expect(s.state).toBe('reconnecting')
  expect(s.context).toMatchObject({ attempt: 2, disposition: 'retry' })
})

test('a failure that one packet explains counts as the first, and proves nothing else', async () => {
  const s = await connectedAgain(() => {})
  const { unprovenSince } = s.context
  s.tell({ type: 'transport.blameless' })
  expect(s.context).toMatchObject({ attempt: 0, cycle: 0, unprovenSince })
  s.transport.current.fail()
  expect(s.context).toMatchObject({ attempt: 1, server: { index: 2 } })
})

test('calls `giveUp` on entering failed for good and `tryAgain` on leaving it, but not before a recovery', () => {
  const told: string[] = []
  const actions = { giveUp: () => void told.push('giveUp'), tryAgain: () => void told.push('tryAgain') }
  const s = machineScene({
    actions,
    input: { reconnect: { enabled: false }, recovery: { maxAttempts: 1 } },
  })
  s.send('CONNECT')
  s.transport.current.fail()
  s.clock.tick(0)
  expect(s.state).toBe('recovering')
  expect(told).toEqual(['tryAgain'])
  s.clock.tick(seconds(60))
  s.transport.current.fail()
  expect(s.state).toBe('failed')
  expect(told).toEqual(['tryAgain', 'giveUp'])
  s.send('RETRY')
  expect(told).toEqual(['tryAgain', 'giveUp', 'tryAgain'])
})
