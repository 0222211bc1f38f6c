import Elk from 'elkjs'
// Lays out the charts of the library's machines and writes the layouts into visualizer/chart/. The page then needs ELK only
// for other machines, and the command `diagram` does not need it at all. With `--check` it only compares.
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { tsImport } from 'tsx/esm/api'

import * as connection from './layout-connection.mjs'
import * as subscriptions from './layout-subscriptions.mjs'

const file = fileURLToPath(new URL('../visualizer/chart/layouts.generated.ts', import.meta.url))
const { connectionMachine, periodicRequestMachine, subscriptionsMachine } = await load('../machines/index.ts')
const { anywhereSize, labelSize } = await load('../visualizer/chart/layout.ts')
const { bestLayout } = await load('../visualizer/page/src/chart/best-layout.ts')
const { chartOf } = await load('../visualizer/chart/model.ts')
const { ourCommands, signatureOf } = await load('../visualizer/chart/library-machines.ts')

const drawings = { connection, subscriptions }
const layouts = {}
for (const machine of [connectionMachine, subscriptionsMachine, periodicRequestMachine]) {
  const chart = chartOf(JSON.parse(JSON.stringify(machine.config)), ourCommands)
  const layout = byHand(chart, drawings[machine.id]) ?? (await byElk(chart))
  layouts[machine.id] = { signature: signatureOf(chart), layout }
}

const text = `// Made by scripts/layout-charts.mjs: do not edit.
import type { Layout } from './layout.ts'

export const layouts: { readonly [id: string]: { readonly signature: string; readonly layout: Layout } } = ${JSON.stringify(layouts, null, 1)}
`
if (!process.argv.includes('--check')) {
  writeFileSync(file, text)
} else if (readFileSync(file, 'utf8') !== text) {
  console.error('layouts.generated.ts does not match the machines: run node scripts/layout-charts.mjs')
  process.exitCode = 1
}

function byHand(chart, drawn) {
  if (!drawn) return null
  const missing = [...chart.nodes, ...chart.edges].filter(({ id }) => !drawn.nodes[id] && !drawn.edges[id])
  if (missing.length > 0) {
    console.warn(
      `Not drawn by hand in ${chart.id}: ${missing.map(({ id }) => id).join(', ')}. ELK lays out the whole chart.`,
    )
    return null
  }
  const boxes = chart.nodes.map(({ id }) => [id, box(drawn.nodes[id])])
  const lines = chart.edges.map((edge) => {
    const [points, [x, y]] = drawn.edges[edge.id]
    return [edge.id, { points, label: { x, y, ...labelSize(edge) } }]
  })
  const [x, y] = drawn.anywhere
  return {
    ...drawn.size,
    anywhere: { x, y, ...anywhereSize(chart) },
    nodes: Object.fromEntries(boxes),
    edges: Object.fromEntries(lines),
  }
}

function byElk(chart) {
  const elk = new Elk()
  return bestLayout(chart, (input) => elk.layout(input))
}

function box([x, y, width, height]) {
  return { x, y, width, height }
}

function load(path) {
  return tsImport(path, import.meta.url)
}
