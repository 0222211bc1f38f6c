import type { AnyStateMachine } from 'xstate'

import type { Candidate, Reaction } from './definition.ts'
import { anywhereLines, commandsOf, labelOf, lineOf, size, tagWidth, type Box, type Layout } from './layout.ts'
import { ourCommands, ourLayout } from './library-machines.ts'
import { delayWords, eventWords, parseChart, type Chart, type ChartEdge, type ChartNode } from './model.ts'
import { head, rounded } from './paths.ts'
import { STYLE } from './svg-style.ts'

/**
 * Draws a machine of the library as a complete SVG. It loads nothing, its colours follow the reader's colour scheme, and
 * the same machine gives the same text. The tooltip of a state or an arrow lists its transitions.
 *
 * @throws {Error} if the package has no layout for this version of the machine
 */
export function toSvg(machine: AnyStateMachine): string {
  const chart = parseChart(JSON.stringify(machine.config), ourCommands)
  const layout = chart && ourLayout(chart)
  if (!layout) {
    throw new Error(`There is no layout for this version of ${machine.id}: run node scripts/layout-charts.mjs`)
  }
  const notes = requestLines(chart)
  const height = layout.height + notes.length * size.rowHeight + (notes.length > 0 ? 44 : 24)
  const inner = chart.nodes.filter(({ compound }) => !compound)
  const outer = chart.nodes.filter(({ compound }) => compound)
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${layout.width}" height="${height}" viewBox="0 0 ${layout.width} ${height}" role="img" aria-labelledby="chart-title chart-description">`,
    `<title id="chart-title">Statechart of the ${escaped(chart.id)} machine</title>`,
    `<desc id="chart-description">${escaped(descriptionOf(chart))}</desc>`,
    `<style>${STYLE}</style>`,
    `<rect class="ground" width="${layout.width}" height="${height}"/>`,
    ...outer.map((node) => nodeSvg(node, chart, layout)),
    ...chart.edges.map((edge) => edgeSvg(edge, layout)),
    ...inner.map((node) => nodeSvg(node, chart, layout)),
    anywhereSvg(chart, layout.anywhere),
    notesSvg(notes, layout.height),
    familiesSvg(layout.width, height),
    '</svg>\n',
  ].join('\n')
}

function nodeSvg(node: ChartNode, chart: Chart, layout: Layout): string {
  const box = layout.nodes[node.id]
  if (!box) return ''
  const { x, y, width, height } = box
  const title = [node.description, ...reactionsOf(chart, node.id).flatMap(sentences)].filter(Boolean).join('\n')
  const parts = [
    `<g class="state ${familyOf(chart, node)}" data-state="${escaped(node.id)}" transform="translate(${x} ${y})">`,
  ]
  if (node.kind === 'choice') {
    const words = width > 200 ? 'decide: the first guard that holds' : '?'
    parts.push(`<rect class="choice" width="${width}" height="${height}" rx="${height / 2}"/>`)
    parts.push(`<text class="choice-text" x="${width / 2}" y="${height / 2 + 4}">${words}</text>`, '</g>')
    return parts.join('')
  }
  const shape = node.compound ? 'box compound' : 'box'
  parts.push(`<title>${escaped(`${named(node.id)}: ${title}`)}</title>`)
  parts.push(`<rect class="${shape}" width="${width}" height="${height}" rx="10"/>`)
  if (node.initial) parts.push('<circle class="initial" cx="13" cy="17" r="3.5"/>')
  parts.push(`<text class="name" x="${node.initial ? 23 : size.padding}" y="22">${escaped(node.name)}</text>`)
  let right = width - 8
  for (const row of commandsOf(node).toReversed()) {
    const wide = tagWidth(row)
    right -= wide + 4
    parts.push(`<rect class="tag" x="${right + 4}" y="9" width="${wide}" height="17" rx="8.5"/>`)
    parts.push(`<text class="tag-text" x="${right + 4 + wide / 2}" y="21">${escaped(row.event)}</text>`)
  }
  if (node.delays.length > 0) {
    const delays = node.delays.map(delayWords).join(', ')
    parts.push(`<text class="small" x="${size.padding}" y="${size.head + 6}">after ${escaped(delays)}</text>`)
  }
  return `${parts.join('')}</g>`
}

function edgeSvg(edge: ChartEdge, layout: Layout): string {
  const { points = [], label } = layout.edges[edge.id] ?? {}
  const [before, end] = points.slice(-2)
  if (!before || !end) return ''
  const title = [`${named(edge.source)} → ${named(edge.target)}`, ...edge.rows.map(lineOf)].join('\n')
  const lines = labelOf(edge).map(({ text: words }, index) => {
    const [x, y] = [(label?.x ?? 0) + size.labelGap, (label?.y ?? 0) + 12 + index * size.rowHeight]
    return `<tspan x="${x}" y="${y}">${escaped(words)}</tspan>`
  })
  return [
    `<g class="edge" data-edge="${escaped(edge.id)}"><title>${escaped(title)}</title>`,
    `<path class="line" d="${rounded(points)}"/><path class="head" d="${head(before, end)}"/>`,
    `<text class="small label">${lines.join('')}</text></g>`,
  ].join('')
}

function anywhereSvg(chart: Chart, box: Box | null): string {
  if (!box) return ''
  const title = reactionsOf(chart, chart.id).flatMap(sentences).join('\n')
  const lines = anywhereLines(chart).map(
    ({ text: words }, index) =>
      `<text class="small" x="10" y="${35 + index * size.rowHeight}">${escaped(words)}</text>`,
  )
  return [
    `<g data-state="${escaped(chart.id)}" transform="translate(${box.x} ${box.y})">`,
    `<title>${escaped(`In any state: ${title}`)}</title>`,
    `<rect class="anywhere" width="${box.width}" height="${box.height}" rx="10"/>`,
    `<text class="heading" x="10" y="17">in any state</text>${lines.join('')}</g>`,
  ].join('')
}

/** Events that people send are tags on the states. These lines below the drawing say where they lead. */
function requestLines(chart: Chart): string[] {
  const asked = new Map<string, { event: string; sources: string[]; outcome: string }>()
  for (const { source, event, candidates } of chart.reactions) {
    if (!ourCommands.includes(event)) continue
    const outcome = candidates.map(outcomeOf).join(', ')
    const key = `${event} ${outcome}`
    const request = asked.get(key) ?? { event, sources: [], outcome }
    asked.set(key, { ...request, sources: [...request.sources, named(source)] })
  }
  const order = ({ event }: { readonly event: string }) => ourCommands.indexOf(event)
  const requests = [...asked.values()].toSorted((a, b) => order(a) - order(b))
  const widest = Math.max(0, ...requests.map(({ sources }) => sources.join(', ').length))
  return requests.map(
    ({ event, sources, outcome }) => `${event.padEnd(8)} in ${sources.join(', ').padEnd(widest)}  ${outcome}`,
  )
}

function notesSvg(notes: readonly string[], top: number): string {
  if (notes.length === 0) return ''
  const lines = notes.map(
    (line, index) => `<text class="small" x="16" y="${top + 34 + index * size.rowHeight}">${escaped(line)}</text>`,
  )
  return `<g><text class="heading" x="16" y="${top + 16}">On request</text>${lines.join('')}</g>`
}

/** Tags that give a state its colour. If a state has several, the first of this list counts. */
const families = ['busy', 'online', 'waiting', 'resting']

/** The family of a state. A state without such a tag has the family of its parent. */
function familyOf(chart: Chart, node: ChartNode): string {
  const own = families.find((family) => node.tags.includes(family))
  const parent = chart.nodes.find(({ id }) => id === node.parent)
  return own ?? (parent ? familyOf(chart, parent) : '')
}

/** The legend of the colours. */
function familiesSvg(width: number, height: number): string {
  let x = width - 8
  const marks = families.toReversed().map((family) => {
    x -= family.length * size.row + 30
    return [
      `<g class="${family}" transform="translate(${x} ${height - 20})"><rect class="mark" width="10" height="10" rx="3"/>`,
      `<text class="small" x="15" y="9">${family}</text></g>`,
    ].join('')
  })
  const more = `<text class="small more" x="${x - 20}" y="${height - 11}">+n: n more events</text>`
  return `<g>${more}${marks.join('')}</g>`
}

function descriptionOf(chart: Chart): string {
  const states = chart.nodes.filter(({ kind }) => kind !== 'choice')
  return [
    'The states and their transitions.',
    ...states.map(({ id }) => `${named(id)}: ${reactionsOf(chart, id).flatMap(sentences).join('; ') || 'nothing'}.`),
    `In any state: ${reactionsOf(chart, chart.id).flatMap(sentences).join('; ') || 'nothing'}.`,
  ].join(' ')
}

function reactionsOf({ reactions }: Chart, id: string): readonly Reaction[] {
  return reactions.filter(({ source }) => source === id)
}

/** One line for each transition, such as `RETRY [needsCredentials] → refreshingToken / startOver`. */
function sentences({ event, candidates }: Reaction): string[] {
  return candidates.map((candidate, index) => {
    const words = outcomeOf(candidate, index)
    const actions =
      candidate.targets.length > 0 && candidate.actions.length > 0 ? ` / ${candidate.actions.join(', ')}` : ''
    return `${eventWords(event)} ${words}${actions}`
  })
}

function outcomeOf({ guard, targets, actions }: Candidate, index: number): string {
  const otherwise = index > 0 ? 'else ' : ''
  const when = guard === null ? otherwise : `[${guard}] `
  if (targets.length > 0) return `${when}→ ${targets.map(named).join(', ')}`
  return `${when}/ ${actions.join(', ') || 'nothing'}`
}

/** The name of a state within its machine, such as `connected.restoring`. */
function named(id: string): string {
  return id.startsWith('choice ') ? 'decide' : id.slice(id.indexOf('.') + 1)
}

function escaped(words: string): string {
  return words.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}
