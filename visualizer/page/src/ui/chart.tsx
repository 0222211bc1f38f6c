import { useEffect, useMemo, useRef, useState } from 'preact/hooks'

import { shortName } from '../../../chart/definition.ts'
import type { Layout } from '../../../chart/layout.ts'
import { activeIds, type Chart, type ChartNode } from '../../../chart/model.ts'
import type { Family, Timer } from '../../../protocol.ts'
import { stateOf } from '../../../shared/family.ts'
import { shown } from '../model/format.ts'
import type { Actor, Entry } from '../model/types.ts'
import { Edge, EdgeLabel } from './chart-edge.tsx'
import { Node } from './chart-node.tsx'
import { Anywhere, NodeDetails } from './chart-notes.tsx'
import { useLayout } from './use-layout.ts'
import { useView } from './use-view.ts'

/** In units of the drawing for a pixel of the screen: above it, only the labels of the last step and of the pointer are shown. */
const CROWDED = 1.05
/** Above it, the labels of the arrows that lead out of the current state are left out as well. */
const FULL = 1.3
/** Above it, the commands of the states are left out. The buttons and the details of a state have them. */
const TAGS = 9.5 / 11

interface ChartProps {
  readonly actor: Actor
  readonly chart: Chart
  readonly value: unknown
  readonly family: Family
  readonly timers: readonly Timer[] | undefined
  readonly last: Entry | null
  readonly counts: ReadonlyMap<string, number>
  readonly now: number
  /** Changes with the data, so that the chart is drawn again. */
  readonly version: number
}

/** The statechart of an actor. It is laid out once; after that only its highlighting changes. */
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
  // One pixel of the screen, in the units of the drawing. A label that would be smaller than 11 pixels is left out.
  const unit = Math.max(0.5, Math.min(2.2, 1 / view.scale))
  const isCrowded = unit > CROWDED
  const [pointed, point] = useState<string | null>(null)
  const pointedEdge = chart.edges.find(({ id }) => id === pointed)
  const pointedAt = pointedEdge && layout.edges[pointedEdge.id]
  const node = chart.nodes.find(({ id }) => id === chosen)
  const drawNode = (one: ChartNode) => (
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
      unit={unit}
      onChoose={choose}
    />
  )

  return (
    <section
      class={`chart family-${family}`}
      aria-label={`Statechart of ${shown(actor.name, 60)}`}
      onKeyDown={(event) => {
        if (event.key !== 'Escape' || !node) return
        event.preventDefault()
        choose(null)
      }}
    >
      <div class="chart-zoom" role="group" aria-label="Zoom">
        <button type="button" onClick={() => view.zoom(1 / 1.25)} aria-label="Zoom out" title="Zoom out (−)">
          −
        </button>
        <button type="button" onClick={view.fit} aria-pressed={view.mode === 'fit'} title="Show the whole chart (0)">
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
        aria-label="Chart: arrow keys move it, plus and minus zoom, Enter shows details of the current state"
        {...view.handlers}
        onKeyDown={(event) => {
          if (event.key === 'Enter' && leaf) choose(leaf.id)
          else view.handlers.onKeyDown(event)
        }}
      >
        <svg
          class={['chart-svg', isCrowded && 'crowded', unit > FULL && 'full', unit > TAGS && 'tagless']
            .filter(Boolean)
            .join(' ')}
          style={{ '--unit': unit }}
          viewBox={view.box.join(' ')}
          preserveAspectRatio="xMidYMid meet"
          role="img"
          aria-label={`${shown(actor.name, 60)} is in ${[...active].map(shortName).join(', ') || 'no known state'}`}
        >
          {chart.nodes.filter(({ compound }) => compound).map(drawNode)}
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
                unit={unit}
                onPoint={point}
              />
            )
          })}
          {chart.nodes.filter(({ compound }) => !compound).map(drawNode)}
          <Anywhere chart={chart} box={layout.anywhere} lastRows={lastRows} counts={counts} isCrowded={isCrowded} />
          {isCrowded && pointedEdge && pointedAt && (
            <g class="edge pointed">
              <EdgeLabel edge={pointedEdge} at={pointedAt} unit={unit} taken="" />
            </g>
          )}
        </svg>
      </div>
      {node && <NodeDetails node={node} chart={chart} counts={counts} onChoose={choose} />}
    </section>
  )
}

/** A list of the states, shown if ELK cannot lay out the chart. */
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
