import { build } from 'esbuild'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runInThisContext } from 'node:vm'
import { expect, it } from 'vitest'

import type { parseConnectOptions } from '../../src/config/parse-options.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Which files of ours are in a browser bundle of what is imported: in what a page loads at once, and in the rest. */
async function bundle(imported: string) {
  const { metafile, outputFiles } = await build({
    stdin: { contents: `import { ${imported} } from './src/index.ts'; console.log(${imported})`, resolveDir: root },
    absWorkingDir: root,
    outdir: '.',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    packages: 'external',
    metafile: true,
    write: false,
  })
  const { outputs } = metafile
  const paths = new Set(['stdin.js'])
  // What is added meanwhile is visited, too.
  for (const path of paths) {
    for (const each of outputs[path]?.imports ?? []) if (each.kind === 'import-statement') paths.add(each.path)
  }
  const filesOf = (chosen: readonly string[]) =>
    chosen
      .flatMap((path) => Object.entries(outputs[path]?.inputs ?? {}))
      .flatMap(([file, { bytesInOutput }]) => (bytesInOutput > 0 ? [file] : []))
      .toSorted()
  return {
    atOnce: filesOf([...paths]),
    later: filesOf(Object.keys(outputs).filter((path) => !paths.has(path))),
    code: outputFiles.map(({ text }) => text).join('\n'),
  }
}

it('loads the code of a store only with a client that has one', async () => {
  const { atOnce, later } = await bundle('ResilientMqttClient')
  expect(atOnce.filter((file) => file.startsWith('src/store/'))).toEqual([
    'src/store/lazy-journal.ts',
    'src/store/location.ts',
  ])
  expect(later.filter((file) => file.startsWith('src/store/'))).toEqual([
    'src/store/batch.ts',
    'src/store/bytes.ts',
    'src/store/changes.ts',
    'src/store/crc32c.ts',
    'src/store/database-lock.ts',
    'src/store/database.ts',
    'src/store/entries.ts',
    'src/store/folder-lock.ts',
    'src/store/folder.ts',
    'src/store/ledger.ts',
    'src/store/level-folder.ts',
    'src/store/level-journal.ts',
    'src/store/level-log.ts',
    'src/store/level-manifest.ts',
    'src/store/level-table.ts',
    'src/store/marker.ts',
    'src/store/node.ts',
    'src/store/publication-index.ts',
    'src/store/read-store.ts',
    'src/store/records.ts',
    'src/store/restore.ts',
    'src/store/slices.ts',
    'src/store/snappy.ts',
    'src/store/stored-shelf.ts',
    'src/store/views.ts',
  ])
})

it('loads the code that writes recordings only with a client that has a recorder', async () => {
  const { atOnce, later } = await bundle('ResilientMqttClient')
  const recorder = (files: readonly string[]) => files.filter((file) => file.startsWith('src/recorder/'))
  expect(recorder(atOnce)).toEqual([
    'src/recorder/answers.ts',
    'src/recorder/lazy-recorder.ts',
    'src/recorder/machine-tap.ts',
  ])
  expect(recorder(later)).toContain('src/recorder/file-target.browser.ts')
  expect(recorder(later)).not.toContain('src/recorder/file-target.ts')
})

it('leaves out what is not imported', async () => {
  const { atOnce, code } = await bundle('ResilientMqttClient')
  expect(atOnce.filter((file) => /fleet|turnstile|connection-machine|testing|cli\//.test(file))).toEqual([])
  expect(code).not.toMatch(/createFleet|createConnectionMachine|simpleRetry|refreshAndRecreate|expectedDelay/)
})

it("leaves out the names of Node's options, which have no effect in a browser", async () => {
  const { code } = await bundle('ResilientMqttClient')
  expect(code).toContain('rejectUnauthorized')
  expect(code).not.toMatch(/ALPNCallback|skipUTF8Validation/)
})

it('leaves out `ws`, which metro cannot bundle for React Native', async () => {
  const { code } = await bundle('ResilientMqttClient')
  expect(code).toMatch(/from "mqtt"/)
  expect(code).not.toMatch(/["']ws["'];?$/m)
})

it('refuses options of Node, past which a browser would connect, and URLs without WebSocket', async () => {
  const { outputFiles } = await build({
    stdin: { contents: `export { parseConnectOptions } from './src/config/parse-options.ts'`, resolveDir: root },
    absWorkingDir: root,
    bundle: true,
    format: 'iife',
    globalName: 'config',
    platform: 'browser',
    write: false,
  })
  const parse = runInThisContext(`${outputFiles[0]?.text};config.parseConnectOptions`) as typeof parseConnectOptions
  const socket = () => ({}) as never
  expect(() => parse({ socket }, false)).toThrow('options.socket needs Node: a browser opens its connections')
  for (const url of ['mqtt://user:secret@localhost', 'mqtts://localhost']) {
    expect(() => parse({ url }, false)).toThrow(
      'options.url must begin with ws: or wss: in a browser, which has no TCP sockets: ' +
        `use the WebSocket listener of the broker, got "${new URL(url).protocol}"`,
    )
  }
  expect(() => parse({ url: 'localhost' }, false)).toThrow('such as wss://example.com/mqtt')
  expect(parse({ url: ['ws://localhost', 'wss://localhost'], keepalive: 2_000 }, false).keepalive).toBe(2_000)
})

it('replaces the same files in dist as in the sources, and they exist', () => {
  const ofRoom = (room: string) =>
    Object.entries(browserField(`${room}/package.json`)).map((entry) =>
      entry.map((each) => `${each}`.replace(/^\.\/(.*)\.ts$/, `./dist/${room}/$1.js`)),
    )
  const inSources = ['mqttjs', 'src'].flatMap(ofRoom)
  const inDist = Object.entries(browserField('package.json')).map((entry) => entry.map(String))
  expect(Object.fromEntries(inSources)).toEqual(Object.fromEntries(inDist))
  const files = inDist.flat().filter((each) => each.startsWith('./'))
  const sources = files.map((each) => each.replace(/^\.\/dist\/(.*)\.js$/, '$1.ts'))
  expect(sources.filter((file) => !existsSync(join(root, file)))).toEqual([])
  expect(files).toHaveLength(8)
})

it('leaves out the client if only its errors are imported', async () => {
  const { atOnce } = await bundle('StoreError')
  // Errors import the latter, and esbuild does not leave out a file that a later chunk uses.
  expect(atOnce).toEqual(['<stdin>', 'src/api/errors.ts', 'src/shared/redaction.ts'])
})

function browserField(manifest: string): Readonly<Record<string, string | false>> {
  return (
    JSON.parse(readFileSync(join(root, manifest), 'utf8')) as { browser: Readonly<Record<string, string | false>> }
  ).browser
}
