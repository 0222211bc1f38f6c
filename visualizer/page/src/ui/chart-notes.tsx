import { shortName } from '../../../chart/definition.ts'
import { anywhereLines, lineOf, size, type Box } from '../../../chart/layout.ts'
import type { Chart, ChartNode } from '../../../chart/model.ts'
import { shown } from '../model/format.ts'

interface AnywhereProps {
  readonly chart: Chart
  readonly box: Box | null
  readonly lastRows: ReadonlySet<string>
  readonly counts: ReadonlyMap<string, number>
  /** Whether only the number of reactions can be read. The details of a state list all of them. */
  readonly isCrowded: boolean
}

/** The list of the machine's reactions in any state, which have no source for an arrow. */
export function Anywhere({ chart, box, lastRows, counts, isCrowded }: AnywhereProps) {
  if (!box) return null
  const lines = anywhereLines(chart)
  return (
    <g class="anywhere" transform={`translate(${box.x} ${box.y})`}>
      <title>{lines.map(({ text }) => shown(text, 200)).join('\n')}</title>
      <rect width={box.width} height={box.height} rx={10} />
      <text class="anywhere-title" x={10} y={isCrowded ? 24 : 17}>
        in any state{isCrowded ? `: ${lines.length}` : ''}
      </text>
      {!isCrowded &&
        lines.map(({ text, row }, index) => {
          const count = counts.get(row)
          return (
            <text key={row} class={lastRows.has(row) ? 'taken' : ''} x={10} y={35 + index * size.rowHeight}>
              {shown(text, 60)}
              {count ? ` ×${count}` : ''}
            </text>
          )
        })}
    </g>
  )
}

/** The details of a state, shown when it is chosen. */
export function NodeDetails({
  node,
  chart,
  counts,
  onChoose,
}: {
  node: ChartNode
  chart: Chart
  counts: ReadonlyMap<string, number>
  onChoose: (id: string | null) => void
}) {
  const states = chart.nodes.filter(({ kind }) => kind !== 'choice')
  const step = (by: number) => states.at((states.indexOf(node) + by) % states.length)?.id ?? null
  const out = chart.edges.filter(({ source }) => source === node.id)
  const times = (ids: readonly { id: string }[]) => ids.reduce((sum, { id }) => sum + (counts.get(id) ?? 0), 0)
  return (
    <aside class="node-details" aria-label={`State ${shown(node.name, 60)}`}>
      <header>
        <h2>{shown(node.name, 60)}</h2>
        <button type="button" class="quiet" onClick={() => onChoose(step(-1))} aria-label="Previous state">
          ‹
        </button>
        <button type="button" class="quiet" onClick={() => onChoose(step(1))} aria-label="Next state">
          ›
        </button>
        <button type="button" class="quiet" onClick={() => onChoose(null)} aria-label="Close">
          ✕
        </button>
      </header>
      {node.description && <p>{shown(node.description, 500)}</p>}
      <ul>
        {node.invokes.map((invoke) => (
          <li key={invoke}>runs {shown(invoke, 60)}</li>
        ))}
        {node.rows.map((row) => (
          <li key={row.id}>
            <code>{shown(row.effect === 'command' ? row.event : lineOf(row), 200)}</code>
            {counts.get(row.id) ? ` × ${counts.get(row.id)}` : ''}
          </li>
        ))}
        {out.flatMap(({ rows, target }) =>
          rows.map((row) => (
            <li key={row.id}>
              <code>{shown(lineOf(row), 200)}</code> →{' '}
              {target.startsWith('choice ') ? 'decide' : shown(shortName(target), 60)}
              {times([row]) > 0 ? ` × ${times([row])}` : ''}
            </li>
          )),
        )}
      </ul>
    </aside>
  )
}
