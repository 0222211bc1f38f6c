import { build } from 'esbuild'
import { gzipSync } from 'node:zlib'

import { manifest, root } from './root.mjs'

const CLIENT = "{ ResilientMqttClient } from 'xstate-mqtt'"
const MQTTJS = "{ default as mqtt } from 'mqtt'"

/** What an application may import, from little to everything, and MQTT.js alone. */
const IMPORTS = [
  "{ backoffDelay } from 'xstate-mqtt/machines'",
  "{ connectionMachine } from 'xstate-mqtt/machines'",
  CLIENT,
  "* from 'xstate-mqtt'",
  MQTTJS,
]

/** How much minified and gzipped code a browser loads for each set of imports, in bytes. */
export function importSizes() {
  const sizes = IMPORTS.map(async (imported) => {
    const isOurs = imported.includes(`'${manifest.name}`)
    const ours = isOurs ? await bundle(imported, Object.keys(manifest.dependencies)) : { atOnce: 0, later: 0 }
    const all = await bundle(imported, [])
    return { imported, own: ours.atOnce, later: ours.later, atOnce: all.atOnce }
  })
  return Promise.all(sizes)
}

/** The sizes as a table. */
export function importTable(sizes) {
  const rows = sizes.map(({ imported, own, later, atOnce }) => {
    const cells = [own, later, atOnce].map((bytes) => (bytes === 0 ? 'nothing' : `${(bytes / 1000).toFixed(1)} kB`))
    return `| \`import ${imported.replace('*', '* as all').replace('{ default as mqtt }', 'mqtt')}\` | ${cells.join(' | ')} |`
  })
  return [
    '| imported | of this package | loaded later, with a store or a recorder | at once, with MQTT.js and XState |',
    '| --- | --- | --- | --- |',
    ...rows,
  ].join('\n')
}

/** The sentences of other pages that tell a size. */
export function toldSizes(sizes) {
  const [client, mqttjs] = [CLIENT, MQTTJS].map((imported) => {
    const { atOnce } = sizes.find((size) => size.imported === imported)
    return Math.round(atOnce / 1000)
  })
  return [
    {
      page: 'README.md',
      pattern: /\[\d+ kB\]\(docs\/package\.md#what-an-application-loads\), gzipped, instead of \d+/,
      text: `[${client} kB](docs/package.md#what-an-application-loads), gzipped, instead of ${mqttjs}`,
    },
    {
      page: 'docs/browsers.md',
      pattern: /its bundle for browsers has \d+ kB/,
      text: `its bundle for browsers has ${mqttjs} kB`,
    },
  ]
}

async function bundle(imported, external) {
  const { metafile, outputFiles } = await build({
    stdin: { contents: `export ${imported}`, resolveDir: root },
    absWorkingDir: root,
    outdir: '.',
    bundle: true,
    splitting: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    external,
    metafile: true,
    write: false,
  })
  const atOnce = new Set(['stdin.js'])
  // What is added meanwhile is visited, too.
  for (const path of atOnce) {
    for (const { kind, path: next } of metafile.outputs[path]?.imports ?? []) {
      if (kind === 'import-statement') atOnce.add(next)
    }
  }
  const sum = (files) => files.reduce((bytes, { contents }) => bytes + gzipSync(contents).byteLength, 0)
  const isAtOnce = ({ path }) => atOnce.has(path.slice(root.length))
  return {
    atOnce: sum(outputFiles.filter(isAtOnce)),
    later: sum(outputFiles.filter((file) => file.contents.byteLength > 0 && !isAtOnce(file))),
  }
}
