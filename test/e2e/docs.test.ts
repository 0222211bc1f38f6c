import { transformSync } from 'esbuild'
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))

describe('the code of the docs, as pasted', () => {
  // Inside of the package, so that its name resolves as it does for a user.
  const folder = join(root, '.cache', `pasted-${process.pid}`)
  mkdirSync(folder, { recursive: true })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  test('the first example', () => {
    const [example = ''] = snippets('README.md')
    const withBroker = [
      "import { createEmbeddedBroker } from 'xstate-mqtt/testing'",
      'const broker = await createEmbeddedBroker()',
      example.replace("'mqtt://test.mosquitto.org'", 'broker.url'),
      'setTimeout(async () => { await client.disconnect(); await broker.stop() }, 300)',
    ]
    const { stdout, stderr, status } = runModule(join(folder, 'demo.mjs'), withBroker.join('\n'))
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(stdout).toContain('connecting → connected\n')
    expect(stdout).toContain('xstate-mqtt/demo/status/get ?\n')
    expect(stdout).toContain('xstate-mqtt/demo/lamp on\n')
  })

  test('a day of outage takes milliseconds', () => {
    const example = snippets('README.md').find((code) => code.includes('24 * 3_600_000')) ?? ''
    const { stdout, stderr, status } = runModule(join(folder, 'day.mjs'), `${example}\nactor.stop()`)
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(stdout).toMatch(/^recovering after \d{3} attempts\n\{ connected: 'ready' \}\n$/)
  })

  test.each(['docs/testing.md#0', 'docs/testing.md#1', 'docs/testing.md#3'])('%s', (place) => {
    const [file = '', index] = place.split('#')
    const code = snippets(file)[Number(index)] ?? ''
    // Node 20 has no `await using`.
    const { code: compiled } = transformSync(code, { loader: 'ts', target: 'node20' })
    const { status, stderr } = runModule(join(folder, `snippet-${index}.mjs`), compiled)
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  })
})

function snippets(file: string): string[] {
  const page = readFileSync(join(root, file), 'utf8')
  return [...page.matchAll(/```ts\n([^]*?)```/g)].map(([, code]) => code ?? '')
}

function runModule(file: string, code: string) {
  writeFileSync(file, code)
  return spawnSync(process.execPath, [file], { cwd: root, encoding: 'utf8', timeout: 20_000 })
}
