import type { Layout } from './layout.ts'
import { layouts } from './layouts.generated.ts'
import type { Chart } from './model.ts'

/** Events that people send to the library's machines. They are drawn as tags on the states. */
export const ourCommands: readonly string[] = ['RETRY', 'WAKE', 'RECOVER', 'DROP', 'PAUSE', 'RESUME']

/** The layout in this package, if the chart is that of a library machine in this version. */
export function ourLayout(chart: Chart): Layout | null {
  const ours = layouts[chart.id]
  return ours && ours.signature === signatureOf(chart) ? ours.layout : null
}

/** Equal for charts that need the same layout. */
export function signatureOf({ nodes, edges }: Chart): string {
  const text = JSON.stringify([
    nodes.map(({ id }) => id),
    edges.map(({ id, rows }) => [id, rows.map(({ id: row }) => row)]),
  ])
  let hash = 5381
  for (let index = 0; index < text.length; index++) hash = (hash * 33 + text.charCodeAt(index)) % 0x7fffffff
  return hash.toString(36)
}
