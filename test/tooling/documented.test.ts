import { expect, test } from 'vitest'

import { undocumentedIn } from '../../scripts/api/documented.mjs'

test.each([
  ['has no default', '/** How often. */ readonly count?: number', 'has no @default'],
  ['has no docstring', 'readonly count?: number', 'has no docstring'],
  ['has no unit', '/** How long. @default 1 */ readonly timeout?: number', 'does not say its unit'],
  [
    'is described in its default',
    '/** @default 2 The longest delay in ms. */ readonly maxDelay?: number',
    'has its description in its @default',
  ],
])('an option that %s is found', (_, member, problem) => {
  expect(lacksOf(`/** Some options. */\nexport interface SomeOptions { ${member} }`)).toContain(problem)
})

test('each member of a policy needs a default, although it is not optional', () => {
  const member = 'readonly multiplier: number'
  const policy = (doc: string) => lacksOf(`/** A policy. */\nexport interface SomePolicy { /** ${doc} */ ${member} }`)
  expect(policy('The factor.')).toEqual(['has no @default'])
  expect(policy('The factor. @default 2')).toEqual([])
})

test('a method that takes options says its errors, or its class does', () => {
  const found = (doc: string) =>
    lacksOf(`/** A client. ${doc} */\nexport class Client { send(options: SendOptions): void }`)
  expect(found('')).toEqual(['does not say its errors'])
  expect(found('Its promises reject.')).toEqual([])
})

test.each(['16 MiB', 'no limit', 'Node’s, usually TLSv1.2', 'those of `Timeouts`'])(
  '“%s” is a whole default',
  (text) => {
    const member = `/** A size. @default ${text} */ readonly size?: number`
    expect(lacksOf(`/** Some options. */\nexport interface SomeOptions { ${member} }`)).toEqual([])
  },
)

/** What is missing, without the names of the file and the member. */
function lacksOf(code: string): string[] {
  return undocumentedIn('file.d.ts', code).map((line: string) => line.replace(/^\S+ \S+ /, ''))
}
