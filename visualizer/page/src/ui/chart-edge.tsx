import { memo } from 'preact/compat'

import { labelOf, lineOf, size, type EdgeLayout } from '../../../chart/layout.ts'
import type { ChartEdge } from '../../../chart/model.ts'
import { along, head, rounded } from '../../../chart/paths.ts'
import { shown } from '../model/format.ts'

interface EdgeProps {
  readonly edge: ChartEdge
  readonly at: EdgeLayout
  readonly count: number
  /** Whether it leads out of an active state. */
  readonly next: boolean
  /** The number of the last step if the edge belongs to it; otherwise 0. */
  readonly flash: number
  readonly taken: string
  /** A pixel of the screen, in units of the drawing. */
  readonly unit: number
  readonly onPoint: (id: string | null) => void
}

/** An arrow with its guards and delays. It flashes when it is taken, and shows how often it was taken. */
export const Edge = memo(function Edge({ edge, at, count, next, flash, taken, unit, onPoint }: EdgeProps) {
  const { points } = at
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
    <g class={classes} onMouseEnter={() => onPoint(edge.id)} onMouseLeave={() => onPoint(null)}>
      <title>{edge.rows.map((row) => shown(lineOf(row), 200)).join('\n')}</title>
      <path class="edge-reach" d={path} />
      <path class="edge-line" d={path} />
      {flash > 0 && <path key={flash} class="edge-flash" d={path} />}
      <path class="edge-head" d={head(before, to)} />
      <EdgeLabel edge={edge} at={at} unit={unit} taken={flash > 0 ? taken : ''} />
      {count > 0 && (
        <g
          class="edge-count"
          transform={`translate(${pill[0]} ${pill[1]}) scale(${Math.max(1, unit * 1.22)}) translate(${-pillWidth / 2} -7)`}
        >
          <rect width={pillWidth} height={14} rx={7} />
          <text x={pillWidth / 2} y={10.5} text-anchor="middle">
            {countText}
          </text>
        </g>
      )}
    </g>
  )
})

/** The events and guards of an arrow. @param taken - the rows of the last step */
export function EdgeLabel({ edge, at: { label }, unit, taken }: Pick<EdgeProps, 'edge' | 'at' | 'unit' | 'taken'>) {
  if (!label) return null
  const ids = taken.split(',')
  return (
    <text class="edge-label" x={label.x + size.labelGap} y={label.y}>
      {labelOf(edge).map(({ text, rows }, index) => (
        <tspan
          key={index}
          x={label.x + size.labelGap}
          y={label.y + 12 + index * size.rowHeight * Math.max(1, unit)}
          class={rows.some((row) => ids.includes(row)) ? 'taken' : ''}
        >
          {shown(text, 90)}
        </tspan>
      ))}
    </text>
  )
}
