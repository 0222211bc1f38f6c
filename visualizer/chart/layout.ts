import type { Chart, ChartEdge, ChartNode, Row } from './model.ts'

/** The positions of all parts of a chart, in pixels. The layouts of the library's machines are part of the package. */
export interface Layout {
  readonly width: number
  readonly height: number
  /** The place of the list `anywhere`. */
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

/** Sizes that the layout and the drawing share. Text is measured by the width of a monospaced font. */
export const size = {
  name: 8.6,
  row: 6.35,
  rowHeight: 15,
  head: 34,
  delay: 22,
  /** The distance from an edge to its label, with space for its count. */
  labelGap: 9,
  tag: 5.8,
  padding: 14,
  choice: 22,
} as const

/** The rows that are drawn as tags on a state: events that people send. */
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

/** The lines of the list of reactions in any state. */
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

/** The full text of a row. */
export function lineOf({ event, guard, effect }: Row): string {
  return [event, guard && `[${guard}]`, effect].filter(Boolean).join(' ')
}

/** The label of an edge: each delay has its own line, and other events with the same guard share a line. */
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
