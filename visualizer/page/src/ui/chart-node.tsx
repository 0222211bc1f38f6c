import { commandsOf, size, tagWidth, type Box } from '../../../chart/layout.ts'
import { delayWords, type ChartNode } from '../../../chart/model.ts'
import type { Timer } from '../../../protocol.ts'
import { countdown, remaining, shown } from '../model/format.ts'

interface NodeProps {
  readonly node: ChartNode
  readonly box: Box | undefined
  readonly active: boolean
  readonly timers: readonly Timer[] | undefined
  readonly now: number
  readonly lastRows: ReadonlySet<string>
  readonly flash: number
  readonly chosen: boolean
  /** A pixel of the screen, in units of the drawing. */
  readonly unit: number
  readonly onChoose: (id: string | null) => void
}

/** A state or a choice. A state is highlighted while it is active, and shows how much of its delay is left. */
export function Node({ node, box, active, timers, now, lastRows, flash, chosen, unit, onChoose }: NodeProps) {
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
  const span = timer && { start: timer.startedAt, end: timer.startedAt + timer.delay }
  const done = timer ? Math.min(1, Math.max(0, (now - timer.startedAt) / Math.max(1, timer.delay))) : 0
  const classes = [
    'node',
    node.compound && 'compound',
    active && 'active',
    chosen && 'chosen',
    node.kind === 'final' && 'final',
  ]
  // A name that is enlarged needs more of its box.
  const padding = unit > 1.2 ? 8 : size.padding
  let tagX = width - 8
  return (
    <g
      class={classes.filter(Boolean).join(' ')}
      transform={`translate(${x} ${y})`}
      onClick={() => onChoose(chosen ? null : node.id)}
    >
      <title>{node.description || node.id}</title>
      <rect class="node-box" width={width} height={height} rx={10} />
      {node.kind === 'final' && <rect class="node-final" x={3} y={3} width={width - 6} height={height - 6} rx={7} />}
      {node.initial && <circle class="node-initial" cx={13} cy={17} r={3.5} />}
      <text
        class="node-name"
        x={node.initial ? 23 : padding}
        y={22}
        style={{ fontSize: `${nameSize(node.name.length, width - (node.initial ? 27 : 18), unit)}px` }}
      >
        {shown(node.name, 60)}
      </text>
      {commandsOf(node)
        .toReversed()
        .map((row) => {
          const tag = tagWidth(row)
          tagX -= tag + 4
          const taken = lastRows.has(row.id)
          return (
            <g
              key={taken ? `${row.id} ${flash}` : row.id}
              class={taken ? 'tag taken' : 'tag'}
              transform={`translate(${tagX + 4} 9)`}
            >
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
          {timer && (
            <rect class="delay-bar" y={16} width={(width - 2 * size.padding) * (1 - done)} height={3} rx={1.5} />
          )}
          <text y={10}>after {node.delays.map((delay) => shown(delayWords(delay), 40)).join(', ')}</text>
          {span && (
            <text class="delay-left" x={width - 2 * size.padding} y={10} text-anchor="end">
              {countdown(remaining(span, now))}
            </text>
          )}
        </g>
      )}
    </g>
  )
}

/** Of at least 11 pixels on the screen, even if the name then leaves its box; above that, as large as it fits. */
function nameSize(length: number, room: number, unit: number): number {
  const fitting = room / (Math.max(1, length) * 0.58)
  return Math.max(11 * unit, Math.min(Math.max(14.5, 11.5 * unit), fitting))
}
