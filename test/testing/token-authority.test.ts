import { describe, expect, test } from 'vitest'

import { createTestClock, createTokenAuthority } from '../../testing/index.ts'

describe('createTokenAuthority', () => {
  const setup = () => {
    const clock = createTestClock({ now: 1_000 })
    const authority = createTokenAuthority({ lifetime: 500, now: clock.now })
    return { clock, authority, first: authority.issue(), second: authority.issue() }
  }

  test('returns the expiry of a token', () => {
    const { authority, first } = setup()
    expect(first).toEqual({ password: 'token-1', expiresAt: 1_500 })
    expect(authority.issued).toBe(2)
  })

  test.each<[string, (world: ReturnType<typeof setup>) => unknown, boolean, boolean]>([
    ['fresh', () => {}, true, true],
    ['just before expiry', ({ clock }) => clock.tick(499), true, true],
    ['at expiry', ({ clock }) => clock.tick(500), false, false],
    ['revoked', ({ authority, first }) => authority.revoke(first.password), false, true],
    ['all expired', ({ authority }) => authority.expireAll(), false, false],
  ])('%s', (_, act, firstGood, secondGood) => {
    const world = setup()
    act(world)
    expect(world.authority.check(world.first.password)).toBe(firstGood)
    expect(world.authority.check(world.second.password)).toBe(secondGood)
    expect(world.authority.check(world.authority.issue().password)).toBe(true)
  })

  test.each([undefined, '', 'token-3', 'toString'])('refuses the password %s', (password) => {
    expect(setup().authority.check(password)).toBe(false)
  })

  test.each([-1, Number.NaN])('refuses the lifetime %s', (lifetime) => {
    expect(() => createTokenAuthority({ lifetime })).toThrow('lifetime must be at least 0 ms')
  })
})
