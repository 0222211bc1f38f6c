import { expect, test } from 'vitest'

import { Ledger } from '../../cli/ledger.ts'

test.each([
  ['all messages in order', 3, [1, 2, 3], { delivered: 3, lost: 0, duplicate: 0, inOrder: true }],
  ['one lost message', 3, [1, 3], { delivered: 2, lost: 1, duplicate: 0, inOrder: true }],
  ['one message twice', 3, [1, 2, 2, 3], { delivered: 3, lost: 0, duplicate: 1, inOrder: true }],
  [
    'a late duplicate does not count as out of order',
    3,
    [1, 2, 3, 1],
    { delivered: 3, lost: 0, duplicate: 1, inOrder: true },
  ],
  ['messages out of order', 3, [2, 1, 3], { delivered: 3, lost: 0, duplicate: 0, inOrder: false }],
  [
    'a message that was not accepted does not count as delivered',
    1,
    [1, 7],
    { delivered: 1, lost: 0, duplicate: 0, inOrder: true },
  ],
  ['no message', 2, [], { delivered: 0, lost: 2, duplicate: 0, inOrder: true }],
])('%s', (_, accepted, received, expected) => {
  const ledger = new Ledger()
  for (let n = 0; n < accepted; n++) ledger.accept(false)
  for (const number of received) ledger.receive(number)
  expect(ledger.balance).toEqual({ accepted, acceptedOffline: 0, ...expected })
})

test('numbers messages from 1, and counts those that were accepted offline', () => {
  const ledger = new Ledger()
  expect([ledger.accept(false), ledger.accept(true), ledger.accept(true)]).toEqual([1, 2, 3])
  expect(ledger.balance.acceptedOffline).toBe(2)
  expect(ledger.pending).toBe(3)
})
