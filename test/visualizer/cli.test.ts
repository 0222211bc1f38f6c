import { expect, test } from 'vitest'
import { runVisualizer } from '../../visualizer/index.ts'
import { openViewer } from './helpers.ts'

function run(...argv: string[]) {
  const lines: string[] = []
  const ending = new AbortController()
  let told: () => void
  const listening = new Promise<void>((resolve) => {
    told = resolve
  })
  const ended = runVisualizer(argv, {
    write(line) {
      lines.push(line)
      if (line.startsWith('In the app')) told()
    },
    signal: ending.signal,
  })
  return { lines, listening, ended, end: () => ending.abort() }
}

test('serves until it is told to end', async () => {
  const { lines, listening, ended, end } = run('--port', '0', '--allow-commands', '--history', '10')
  await listening
  const url = /http:\S+/.exec(lines[0] ?? '')?.[0] ?? ''
  const viewer = await openViewer({ url })
  expect(viewer.of('@xstate-mqtt.welcome')[0]).toMatchObject({ allowCommands: true, history: 10 })
  const closed = viewer.closed
  end()
  expect(await ended).toBe(0)
  await closed
})

test.each([
  [['--port', 'http'], 'port must be an integer'],
  [['--token', 'planted'], 'token must be a string of at least 16 characters'],
  [['--colour'], "Unknown option '--colour'"],
])('says what is wrong: %j', async (argv, message) => {
  const { lines, ended } = run(...argv)
  expect(await ended).toBe(2)
  expect(lines.join('\n')).toContain(message)
  expect(lines.join('\n')).toContain('--port 7878')
})

test('explains itself', async () => {
  const { lines, ended } = run('--help')
  expect(await ended).toBe(0)
  expect(lines.join('\n')).toContain('connectVisualizer(url)')
})
