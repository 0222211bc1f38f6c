import { describe, expect, test } from 'vitest'

import { createShell } from './shell.ts'

async function outputOf(...args: readonly string[]): Promise<string> {
  const { run, stdout, stderr } = createShell()
  expect(await run(...args)).toBe(0)
  expect(stderr()).toBe('')
  return stdout()
}

describe('timeline', () => {
  test.each([
    [['--jitter', 'none'], [1, 2, 4, 8, 16, 32, 64, 120, 120, 120], 487],
    [[], [0.75, 1.5, 3, 6, 12, 24, 48, 90, 90, 90], 365.25],
    [
      ['--attempts', '3', '--initial', '500ms', '--multiplier', '3', '--max', '2s', '--jitter', 'none'],
      [0.5, 1.5, 2],
      4,
    ],
  ])('%j as JSON', async (args, seconds, total) => {
    const { reconnect } = JSON.parse(await outputOf('timeline', '--json', ...args))
    expect(reconnect.rows.map((row: { expected: number }) => row.expected / 1_000)).toEqual(seconds)
    expect(reconnect.total.expected / 1_000).toBe(total)
  })

  test.each([
    [['--jitter', 'none'], / 10 +120 s +120 s +487 s\n +487 s in total/],
    [[], / 10 +120 s +90 s +365 s\n +365 s expected, 487 s without jitter/],
    [['--attempts', '50', '--max', '300s', '--jitter', 'none'], / 50 +300 s +300 s +12,811 s\n +12,811 s in total/],
    [['--attempts', '50', '--max', '5m', '--jitter', 'none'], /12,811 s in total/],
    [['--attempts', '50', '--max', '300000', '--jitter', 'none'], /12,811 s in total/],
    [['--strategy', 'simpleRetry'], /unlimited cycles, 60 s, jitter none: the same client/],
    [['--strategy', 'refreshAndRecreate'], / 2 +60 s +60 s +120 s +new token/],
    [['--attempts', 'Infinity'], /It never gives up: the fast tier has no end/],
  ])('%j', async (args, expected) => {
    expect(await outputOf('timeline', ...args)).toMatch(expected)
  })
})

describe('diagram', () => {
  test('mermaid is the default', async () => {
    const mermaid = await outputOf('diagram', '--format', 'mermaid')
    expect(await outputOf('diagram')).toBe(mermaid)
    expect(mermaid).toMatch(/^stateDiagram-v2\n/)
  })

  test('svg is a picture', async () => {
    expect(await outputOf('diagram', '--format', 'svg')).toMatch(/^<svg [^]*<\/svg>\n$/)
  })

  test('json has every state with its description', async () => {
    const { states } = JSON.parse(await outputOf('diagram', '--format', 'json'))
    expect(states).toHaveLength(14)
    expect(states.every(({ description }: { description: string }) => description.length > 0)).toBe(true)
  })
})
