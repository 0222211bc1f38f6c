import { memo } from 'preact/compat'
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import type { Timer } from '../../../protocol.ts'
import {
  anywhereLines,
  commandsOf,
  labelOf,
  lineOf,
  size,
  tagWidth,
  type Box,
  type EdgeLayout,
  type Layout,
  type Point,
} from '../chart/layout.ts'
import { activeIds, delayWords, shortName, type Chart, type ChartEdge, type ChartNode } from '../chart/model.ts'
import { ourLayout } from '../chart/ours.ts'
import { countdown, shown } from '../model/format.ts'
import { stateOf } from '../model/state.ts'
import type { Actor, Entry, Family } from '../model/types.ts'
import { useView } from './useView.ts'

interface ChartProps {
  readonly actor: Actor
  readonly chart: Chart
  readonly value: unknown
  readonly family: Family
  readonly timers: readonly Timer[] | undefined
  readonly last: Entry | null
  readonly counts: ReadonlyMap<string, number>
  readonly now: number
  /** Changes with the data: what is shown does not depend on anything else. */
  readonly version: number
}

/** The statechart of an actor: laid out once, then only lit. */
export function ChartView(props: ChartProps) {
  const { chart, actor } = props
  const layout = useLayout(chart)
  if (layout === 'failed') return <StateList {...props} />
  if (!layout) {
    return (
      <div class="chart-wait" role="status">
        Laying out {shown(actor.name, 60)}…
      </div>
    )
  }
  return <Drawing {...props} layout={layout} />
}

function Drawing({ actor, chart, layout, value, family, timers, last, counts, now }: ChartProps & { layout: Layout }) {
  const frame = useRef<HTMLDivElement>(null)
  const active = useMemo(() => activeIds(chart, value), [chart, JSON.stringify(value)])
  const leaf = chart.nodes.findLast(({ id, compound }) => active.has(id) && !compound)
  const view = useView(frame, layout, leaf && layout.nodes[leaf.id])
  const [chosen, choose] = useState<string | null>(null)
  useEffect(() => choose(null), [chart])
  const lastRows = new Set(last?.rows)
  const node = chart.nodes.find(({ id }) => id === chosen)

  return (
    <section class={`chart family-${family}`} aria-label={`Statechart of ${shown(actor.name, 60)}`}>
      <div class="chart-zoom" role="group" aria-label="Zoom">
          <button type="button" onClick={() => view.zoom(1 / 1.25)} aria-label="Zoom out" title="Zoom out (−)">
            −
          </button>
          <button type="button" onClick={view.fit} aria-pressed={view.mode === 'fit'} title="Show all of it (0)">
            Fit
          </button>
          <button
            type="button"
            onClick={view.follow}
            aria-pressed={view.mode === 'follow'}
            title="Keep the current state in the middle (f)"
          >
            Follow
          </button>
          <button type="button" onClick={() => view.zoom(1.25)} aria-label="Zoom in" title="Zoom in (+)">
            +
          </button>
      </div>
      <div
        class="chart-frame"
        ref={frame}
        tabIndex={0}
        role="group"
        aria-label="Chart: arrow keys move it, plus and minus zoom"
        {...view.handlers}
      >
        <svg
          class="chart-svg"
          viewBox={view.box.join(' ')}
          preserveAspectRatio="xMidYMid meet"
          role="img"
          aria-label={`${shown(actor.name, 60)} is in ${[...active].map(shortName).join(', ') || 'no known state'}`}
        >
          {chart.nodes
            .filter(({ compound }) => compound)
            .map((one) => (
              <Node
                key={one.id}
                node={one}
                box={layout.nodes[one.id]}
                active={active.has(one.id)}
                timers={timers}
                now={now}
                lastRows={lastRows}
                flash={last?.seq ?? 0}
                chosen={chosen === one.id}
                onChoose={choose}
              />
            ))}
          {chart.edges.map((edge) => {
            const at = layout.edges[edge.id]
            if (!at) return null
            const isLast = edge.rows.some(({ id }) => lastRows.has(id))
            let count = 0
            for (const { id } of edge.rows) count += counts.get(id) ?? 0
            return (
              <Edge
                key={edge.id}
                edge={edge}
                at={at}
                count={count}
                next={active.has(edge.source)}
                flash={isLast && last ? last.seq : 0}
                taken={isLast ? [...lastRows].join() : ''}
              />
            )
          })}
          {chart.nodes
            .filter(({ compound }) => !compound)
            .map((one) => (
              <Node
                key={one.id}
                node={one}
                box={layout.nodes[one.id]}
                active={active.has(one.id)}
                timers={timers}
                now={now}
                lastRows={lastRows}
                flash={last?.seq ?? 0}
                chosen={chosen === one.id}
                onChoose={choose}
              />
            ))}
          <Anywhere chart={chart} box={layout.anywhere} lastRows={lastRows} counts={counts} />
        </svg>
      </div>
      {node && <NodeDetails node={node} chart={chart} counts={counts} onClose={() => choose(null)} />}
    </section>
  )
}

interface NodeProps {
  readonly node: ChartNode
  readonly box: Box | undefined
  readonly active: boolean
  readonly timers: readonly Timer[] | undefined
  readonly now: number
  readonly lastRows: ReadonlySet<string>
  readonly flash: number
  readonly chosen: boolean
  readonly onChoose: (id: string | null) => void
}

function Node({ node, box, active, timers, now, lastRows, flash, chosen, onChoose }: NodeProps) {
  if (!box) return null
  const { x, y, width, height } = box
  if (node.kind === 'choice') {
    const wide = width > 200
    return (
      <g class="choice" transform={`translate(${x} ${y})`}>
        <rect width={width} height={height} rx={height / 2} />
        <text x={width / 2} y={height / 2 + 4} text-anchor="middle">
          {wide ? 'decide: the first guard that holds' : '?'}
        </text>
      </g>
    )
  }
  const timer = active ? timers?.find(({ state }) => state === node.id) : undefined
  const left = timer ? timer.startedAt + timer.delay - now : 0
  const done = timer ? Math.min(1, Math.max(0, (now - timer.startedAt) / Math.max(1, timer.delay))) : 0
  const classes = ['node', node.compound && 'compound', active && 'active', chosen && 'chosen', node.kind === 'final' && 'final']
  let tagX = width - 8
  return (
    <g class={classes.filter(Boolean).join(' ')} transform={`translate(${x} ${y})`} onClick={() => onChoose(chosen ? null : node.id)}>
      <title>{node.description || node.id}</title>
      <rect class="node-box" width={width} height={height} rx={10} />
      {node.kind === 'final' && <rect class="node-final" x={3} y={3} width={width - 6} height={height - 6} rx={7} />}
      {node.initial && <circle class="node-initial" cx={13} cy={17} r={3.5} />}
      <text class="node-name" x={node.initial ? 23 : size.padding} y={22}>
        {shown(node.name, 60)}
      </text>
      {commandsOf(node)
        .toReversed()
        .map((row) => {
          const tag = tagWidth(row)
          tagX -= tag + 4
          const taken = lastRows.has(row.id)
          return (
            <g key={taken ? `${row.id} ${flash}` : row.id} class={taken ? 'tag taken' : 'tag'} transform={`translate(${tagX + 4} 9)`}>
              <rect width={tag} height={17} rx={8.5} />
              <text x={tag / 2} y={12} text-anchor="middle">
                {row.event}
              </text>
            </g>
          )
        })}
      {node.delays.length > 0 && (
        <g class={timer ? 'delay running' : 'delay'} transform={`translate(${size.padding} ${size.head - 4})`}>
          <rect class="delay-track" y={16} width={width - 2 * size.padding} height={3} rx={1.5} />
          {timer && <rect class="delay-bar" y={16} width={(width - 2 * size.padding) * (1 - done)} height={3} rx={1.5} />}
          <text y={10}>after {node.delays.map((delay) => shown(delayWords(delay), 40)).join(', ')}</text>
          {timer && (
            <text class="delay-left" x={width - 2 * size.padding} y={10} text-anchor="end">
              {countdown(left)}
            </text>
          )}
        </g>
      )}
    </g>
  )
}

interface EdgeProps {
  readonly edge: ChartEdge
  readonly at: EdgeLayout
  readonly count: number
  /** Whether it leads out of where the actor is. */
  readonly next: boolean
  /** Not 0 for an edge of the last step: which step that was. */
  readonly flash: number
  readonly taken: string
}

const Edge = memo(function Edge({ edge, at, count, next, flash, taken }: EdgeProps) {
  const { points, label } = at
  const classes = ['edge', count > 0 && 'visited', next && 'next', flash > 0 && 'last'].filter(Boolean).join(' ')
  const from = points[0]
  const to = points.at(-1)
  const before = points.at(-2)
  if (!from || !to || !before) return null
  const path = rounded(points)
  const pill = along(points, 15)
  const countText = count > 999 ? '999+' : String(count)
  const pillWidth = countText.length * 5.6 + 8
  return (
    <g class={classes}>
      <title>{edge.rows.map((row) => shown(lineOf(row), 200)).join('\n')}</title>
      <path class="edge-line" d={path} />
      {flash > 0 && <path key={flash} class="edge-flash" d={path} />}
      <path class="edge-head" d={head(before, to)} />
      {label && (
        <text class="edge-label" x={label.x + size.labelGap} y={label.y}>
          {labelOf(edge).map(({ text, rows }, index) => (
            <tspan
              key={index}
              x={label.x + size.labelGap}
              y={label.y + 12 + index * size.rowHeight}
              class={flash > 0 && rows.some((row) => taken.split(',').includes(row)) ? 'taken' : ''}
            >
              {shown(text, 90)}
            </tspan>
          ))}
        </text>
      )}
      {count > 0 && (
        <g class="edge-count" transform={`translate(${pill[0] - pillWidth / 2} ${pill[1] - 7})`}>
          <rect width={pillWidth} height={14} rx={7} />
          <text x={pillWidth / 2} y={10.5} text-anchor="middle">
            {countText}
          </text>
        </g>
      )}
    </g>
  )
})

interface AnywhereProps {
  readonly chart: Chart
  readonly box: Box | null
  readonly lastRows: ReadonlySet<string>
  readonly counts: ReadonlyMap<string, number>
}

/** Reactions of the machine in any state: no arrow of them would say where it comes from. */
function Anywhere({ chart, box, lastRows, counts }: AnywhereProps) {
  if (!box) return null
  return (
    <g class="anywhere" transform={`translate(${box.x} ${box.y})`}>
      <rect width={box.width} height={box.height} rx={10} />
      <text class="anywhere-title" x={10} y={17}>
        in any state
      </text>
      {anywhereLines(chart).map(({ text, row }, index) => {
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

function NodeDetails({ node, chart, counts, onClose }: { node: ChartNode; chart: Chart; counts: ReadonlyMap<string, number>; onClose: () => void }) {
  const out = chart.edges.filter(({ source }) => source === node.id)
  const times = (ids: readonly { id: string }[]) => ids.reduce((sum, { id }) => sum + (counts.get(id) ?? 0), 0)
  return (
    <aside class="node-details" aria-label={`State ${shown(node.name, 60)}`}>
      <header>
        <h3>{shown(node.name, 60)}</h3>
        <button type="button" class="quiet" onClick={onClose} aria-label="Close">
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
              <code>{shown(lineOf(row), 200)}</code> → {target.startsWith('choice ') ? 'decide' : shown(shortName(target), 60)}
              {times([row]) > 0 ? ` × ${times([row])}` : ''}
            </li>
          )),
        )}
      </ul>
    </aside>
  )
}

/** What there is instead of a drawing, if ELK cannot make one. */
function StateList({ chart, value, family, actor }: ChartProps) {
  const active = activeIds(chart, value)
  return (
    <section class={`chart chart-list family-${family}`} aria-label={`States of ${shown(actor.name, 60)}`}>
      <p>This machine could not be laid out. Its states:</p>
      <ul>
        {chart.nodes
          .filter(({ kind }) => kind !== 'choice')
          .map(({ id }) => (
            <li key={id} class={active.has(id) ? 'active' : ''}>
              {shown(id, 120)}
            </li>
          ))}
      </ul>
      <p>Now: {stateOf(actor.snapshot)}</p>
    </section>
  )
}

function useLayout(chart: Chart): Layout | 'failed' | null {
  const ours = useMemo(() => ourLayout(chart), [chart])
  const [laidOut, setLaidOut] = useState<{ chart: Chart; layout: Layout | 'failed' } | null>(null)
  useEffect(() => {
    if (ours) return undefined
    let stale = false
    import('../chart/elk.ts')
      .then(({ layOut }) => layOut(chart))
      .catch(() => 'failed' as const)
      .then((layout) => {
        if (!stale) setLaidOut({ chart, layout })
      })
    return () => {
      stale = true
    }
  }, [chart, ours])
  return ours ?? (laidOut?.chart === chart ? laidOut.layout : null)
}

const RADIUS = 7

/** A line with round corners. */
function rounded(points: readonly Point[]): string {
  const [first, ...rest] = points
  if (!first) return ''
  let path = `M${first[0]} ${first[1]}`
  let previous = first
  for (const [index, point] of rest.entries()) {
    const next = rest[index + 1]
    if (!next) {
      path += `L${point[0]} ${point[1]}`
    } else {
      const radius = Math.min(RADIUS, distance(previous, point) / 2, distance(point, next) / 2)
      const into = towards(point, previous, radius)
      const out = towards(point, next, radius)
      path += `L${into[0]} ${into[1]}Q${point[0]} ${point[1]} ${out[0]} ${out[1]}`
    }
    previous = point
  }
  return path
}

function head(before: Point, to: Point): string {
  const back = towards(to, before, 8)
  const [dx, dy] = [(to[0] - back[0]) / 2, (to[1] - back[1]) / 2]
  return `M${to[0]} ${to[1]}L${back[0] - dy} ${back[1] + dx}L${back[0] + dy} ${back[1] - dx}Z`
}

/** The point so far along a line; at most in the middle of its first part. */
function along(points: readonly Point[], length: number): Point {
  const [from, to] = points
  if (!from || !to) return [0, 0]
  return towards(from, to, Math.min(length, distance(from, to) / 2))
}

function towards(from: Point, to: Point, length: number): Point {
  const full = distance(from, to) || 1
  return [from[0] + ((to[0] - from[0]) * length) / full, from[1] + ((to[1] - from[1]) * length) / full]
}

function distance(a: Point, b: Point): number {
  return Math.hypot(a[0] - b[0], a[1] - b[1])
}
