import type { Chart, ChartEdge, ChartNode, Row } from './model.ts'

/** Where everything of a chart is, in pixels. Plain data: ours are laid out when the package is built. */
export interface Layout {
  readonly width: number
  readonly height: number
  /** Where the list of `anywhere` stands. */
  readonly anywhere: Box | null
  readonly nodes: { readonly [id: string]: Box }
  readonly edges: { readonly [id: string]: EdgeLayout }
}

export interface Box {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

export interface EdgeLayout {
  readonly points: readonly Point[]
  readonly label: Box | null
}

export type Point = readonly [x: number, y: number]

/** Sizes that the layout and the drawing agree on. Text is measured by a monospaced font's width. */
export const size = {
  name: 8.6,
  row: 6.35,
  rowHeight: 15,
  head: 34,
  delay: 22,
  /** From an edge to its label, with room for its count. */
  labelGap: 9,
  tag: 5.8,
  padding: 14,
  choice: 22,
} as const

/** Tags on a state: what people may send to it. */
export function commandsOf({ rows }: ChartNode): Row[] {
  return rows.filter(({ effect }) => effect === 'command')
}

export function tagWidth({ event }: Row): number {
  return Math.ceil(event.length * size.tag + 10)
}

/** @public for scripts/layout-charts.mjs */
export function labelSize(edge: ChartEdge): { readonly width: number; readonly height: number } {
  const lines = labelOf(edge)
  const width = Math.ceil(Math.max(...lines.map(({ text }) => text.length)) * size.row + size.labelGap + 4)
  return { width, height: lines.length * size.rowHeight + 2 }
}

const MAX_ANYWHERE = 10

/** What stands in the list of reactions in any state. */
export function anywhereLines({ anywhere }: Chart): { readonly text: string; readonly row: string }[] {
  return anywhere.slice(0, MAX_ANYWHERE).map((row) => ({
    text: row.effect.startsWith('→')
      ? lineOf(row)
      : [row.event, row.guard && `[${row.guard}]`].filter(Boolean).join(' '),
    row: row.id,
  }))
}

/** @public for scripts/layout-charts.mjs */
export function anywhereSize(chart: Chart): { readonly width: number; readonly height: number } | null {
  const lines = anywhereLines(chart)
  if (lines.length === 0) return null
  const longest = Math.max(13, ...lines.map(({ text }) => Math.min(text.length, 60)))
  return { width: Math.ceil((longest + 4) * size.row + 20), height: lines.length * size.rowHeight + 32 }
}

/** A row in full. */
export function lineOf({ event, guard, effect }: Row): string {
  return [event, guard && `[${guard}]`, effect].filter(Boolean).join(' ')
}

/** What stands on an edge: delays one by one, the other events with the same guard in one line. */
export function labelOf({ rows }: ChartEdge): { readonly text: string; readonly rows: readonly string[] }[] {
  const lines: { text: string; rows: string[]; guard: string; more: number }[] = []
  for (const row of rows) {
    const same = lines.find(({ guard, text }) => row.event !== '' && guard === row.guard && !text.startsWith('after '))
    if (same && !row.event.startsWith('after ')) {
      same.rows.push(row.id)
      same.more++
    } else {
      lines.push({ text: row.event, rows: [row.id], guard: row.guard, more: 0 })
    }
  }
  return lines.map(({ text, guard, more, rows: ids }) => ({
    text: [text && (more > 0 ? `${text} +${more}` : text), guard && `[${guard}]`].filter(Boolean).join(' '),
    rows: ids,
  }))
}
