import { expect, test } from 'vitest'

import { Ledger } from '../../cli/ledger.ts'

test.each([
  ['all of them, in order', 3, [1, 2, 3], { delivered: 3, lost: 0, duplicate: 0, inOrder: true }],
  ['one lost', 3, [1, 3], { delivered: 2, lost: 1, duplicate: 0, inOrder: true }],
  ['one twice', 3, [1, 2, 2, 3], { delivered: 3, lost: 0, duplicate: 1, inOrder: true }],
  ['a late duplicate is no disorder', 3, [1, 2, 3, 1], { delivered: 3, lost: 0, duplicate: 1, inOrder: true }],
  ['out of order', 3, [2, 1, 3], { delivered: 3, lost: 0, duplicate: 0, inOrder: false }],
  ['what nobody accepted is not delivered', 1, [1, 7], { delivered: 1, lost: 0, duplicate: 0, inOrder: true }],
  ['nothing at all', 2, [], { delivered: 0, lost: 2, duplicate: 0, inOrder: true }],
])('%s', (_, accepted, received, expected) => {
  const ledger = new Ledger()
  for (let n = 0; n < accepted; n++) ledger.accept(false)
  for (const number of received) ledger.receive(number)
  expect(ledger.balance).toEqual({ accepted, acceptedOffline: 0, ...expected })
})

test('numbers go up from 1, and what was accepted offline is counted', () => {
  const ledger = new Ledger()
  expect([ledger.accept(false), ledger.accept(true), ledger.accept(true)]).toEqual([1, 2, 3])
  expect(ledger.balance.acceptedOffline).toBe(2)
  expect(ledger.pending).toBe(3)
})
