import { build } from 'esbuild'
import { gzipSync } from 'node:zlib'

import { manifest, root } from './root.mjs'

/** What an application may import, from little to everything. */
const IMPORTS = [
  "{ backoffDelay } from 'xstate-mqtt/machines'",
  "{ connectionMachine } from 'xstate-mqtt/machines'",
  "{ ResilientMqttClient } from 'xstate-mqtt'",
  "* from 'xstate-mqtt'",
]

/** A table: how much minified and gzipped code a browser loads for each set of imports. */
export async function importSizes() {
  const rows = IMPORTS.map(async (imported) => {
    const ours = await bundle(imported, Object.keys(manifest.dependencies))
    const all = await bundle(imported, [])
    const cells = [ours.atOnce, ours.later, all.atOnce].map((bytes) =>
      bytes === 0 ? 'nothing' : `${kilobytes(bytes)} kB`,
    )
    return `| \`import ${imported.replace('*', '* as all')}\` | ${cells.join(' | ')} |`
  })
  return [
    '| imported | of this package | loaded later, with a store or a recorder | at once, with MQTT.js and XState |',
    '| --- | --- | --- | --- |',
    ...(await Promise.all(rows)),
  ].join('\n')
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

function kilobytes(bytes) {
  return (bytes / 1000).toFixed(1)
}
