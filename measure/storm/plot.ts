import type { StormPolicy } from './policies.ts'
import type { StormResult, StormSecond } from './simulate.ts'

const WIDTH = 960
const LEFT = 70
const RIGHT = 24
const TOP = 62
const STRIP = 52
const STRIP_GAP = 30
const PANEL = 210
const PANEL_GAP = 44
const BOTTOM = 40

export interface Curve {
  readonly policy: StormPolicy
  readonly result: StormResult
}

export interface PlotOptions {
  readonly title: string
  readonly outageSeconds: number
  /** How many connections per second the broker can accept. */
  readonly capacity: number
}

/**
 * Draws a storm over time: a strip with the connection attempts for each policy, and the share of restored clients. The SVG
 * has colours for light and dark pages.
 */
export function plot(curves: readonly Curve[], { title, outageSeconds, capacity }: PlotOptions): string {
  const end = Math.max(...curves.map(({ result }) => lastSecond(result) + 1))
  const most = Math.max(capacity, ...curves.flatMap(({ result }) => result.timeline.map(({ attempts }) => attempts)))
  const decades = Math.max(1, Math.ceil(Math.log10(most)))
  const x = (second: number) => LEFT + (second / end) * (WIDTH - LEFT - RIGHT)
  const stripsEnd = TOP + curves.length * (STRIP + STRIP_GAP)
  const panelTop = stripsEnd + PANEL_GAP - STRIP_GAP
  const panelY = (share: number) => panelTop + PANEL - share * PANEL
  const height = panelTop + PANEL + BOTTOM
  const outage = { x: LEFT, width: x(outageSeconds) - LEFT, y: TOP - 18, height: panelTop + PANEL - TOP + 18 }

  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="system-ui, sans-serif" font-size="12" role="img" aria-label="${escape(title)}">`,
    style(curves),
    `<rect class="page" width="${WIDTH}" height="${height}"/>`,
    text(LEFT, 22, title, 'font-size="15" font-weight="600"'),
    `<rect class="outage" x="${outage.x}" y="${outage.y}" width="${outage.width.toFixed(1)}" height="${outage.height}"/>`,
    text(x(outageSeconds), TOP - 22, 'the broker is back', 'class="quiet"'),
    ...curves.flatMap((curve, n) => {
      const bottom = TOP + n * (STRIP + STRIP_GAP) + STRIP
      const y = (attempts: number) => bottom - (Math.log10(Math.max(1, attempts)) / decades) * STRIP
      return strip(curve, n, { x, y, end, decades, capacity })
    }),
    text(LEFT, panelTop - 10, 'clients restored'),
    ...[0, 0.25, 0.5, 0.75, 1].map((share) => grid(panelY(share), `${share * 100} %`)),
    ...timeAxis(end, x, panelTop + PANEL),
    // The first policy is the default, and is drawn on top.
    ...curves
      .map(({ policy, result }, n) => {
        const points = restoredShare(result, outageSeconds, end).map(([second, share]) => [x(second), panelY(share)])
        return `<polyline class="line p${n}"${policy.dashed ? ' stroke-dasharray="7 5"' : ''} points="${path(points)}"/>`
      })
      .toReversed(),
    '</svg>',
    '',
  ].join('\n')
}

interface StripScale {
  readonly x: (second: number) => number
  readonly y: (attempts: number) => number
  readonly end: number
  readonly decades: number
  readonly capacity: number
}

/** The attempts of one policy. The scale is logarithmic, because the numbers differ by orders of magnitude. */
function strip({ policy, result }: Curve, n: number, { x, y, end, decades, capacity }: StripScale): string[] {
  const bottom = y(1)
  const points = outline(result.timeline, end).map(([second, attempts]) => [x(second), y(attempts)])
  const area = path([[x(0), bottom], ...points, [x(end), bottom]])
  const peak = `peak after the outage ${result.peakConnectsPerSecond.toLocaleString('en')}/s`
  const wasted = `${result.wastedAttempts.toLocaleString('en')} failed attempts`
  const limit = y(capacity).toFixed(1)
  return [
    ...Array.from({ length: Math.floor(decades / 2) + 1 }, (_, i) =>
      grid(y(10 ** (2 * i)), (10 ** (2 * i)).toLocaleString('en')),
    ),
    `<polygon class="area p${n}" points="${area}"/>`,
    `<line class="capacity" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${limit}" y2="${limit}"/>`,
    `<text x="${LEFT}" y="${y(10 ** decades) - 6}" font-weight="600" class="name p${n}">${escape(policy.label)}</text>`,
    text(WIDTH - RIGHT, y(10 ** decades) - 6, `${peak}; ${wasted}`, 'text-anchor="end" class="quiet"'),
    ...(n === 0 ? [text(WIDTH - RIGHT, y(capacity) - 4, "the broker's capacity", 'text-anchor="end"')] : []),
    ...(n === 0 ? [text(LEFT, TOP - 22, 'connection attempts/s, logarithmic', 'class="quiet"')] : []),
  ]
}

/** The highest number of attempts for each pixel, without points between two equal ones. */
function outline(timeline: readonly StormSecond[], end: number): [number, number][] {
  const stretch = Math.max(1, Math.floor(end / (WIDTH - LEFT - RIGHT)))
  const most: number[] = Array.from({ length: Math.ceil(end / stretch) }, () => 0)
  for (const { second, attempts } of timeline) {
    const i = Math.floor(second / stretch)
    most[i] = Math.max(most[i] ?? 0, attempts)
  }
  return most
    .map((attempts, i): [number, number] => [(i + 0.5) * stretch, attempts])
    .filter(([, attempts], i) => attempts !== most[i - 1] || attempts !== most[i + 1])
}

function restoredShare({ timeline, clients }: StormResult, from: number, end: number): [number, number][] {
  let restored = 0
  const points: [number, number][] = [[from, 0]]
  for (const { second, restored: more } of timeline) {
    if (second < from || more === 0) continue
    // The line is flat until this second.
    points.push([second, restored / clients])
    restored += more
    points.push([second + 1, restored / clients])
  }
  return [...points, [end, restored / clients]]
}

function lastSecond({ timeline }: StormResult): number {
  return timeline.at(-1)?.second ?? 0
}

function style(curves: readonly Curve[]): string {
  const colors = (shade: 'light' | 'dark') =>
    curves.map(({ policy }, n) => `.p${n}{--policy:${policy.color[shade]}}`).join('')
  return [
    '<style>',
    'svg{--ink:#1f2328;--quiet:#59636e;--page:#fff;--grid:#d9dee3;--outage:#f6eceb}',
    colors('light'),
    `@media (prefers-color-scheme:dark){svg{--ink:#e6edf3;--quiet:#9198a1;--page:#0d1117;--grid:#2b3138;--outage:#2a1b1d}${colors('dark')}}`,
    'text{fill:var(--ink)}.quiet{fill:var(--quiet)}.page{fill:var(--page)}.outage{fill:var(--outage)}.grid{stroke:var(--grid)}',
    '.name{fill:var(--policy)}.area{fill:var(--policy);fill-opacity:.35;stroke:var(--policy);stroke-width:1}',
    '.line{fill:none;stroke:var(--policy);stroke-width:2;stroke-linejoin:round}.capacity{stroke:var(--ink);stroke-dasharray:5 4}',
    '</style>',
  ].join('\n')
}

function timeAxis(end: number, x: (second: number) => number, y: number): string[] {
  const step = [10, 30, 60, 120, 300, 600, 1_200, 3_600].find((seconds) => end / seconds <= 16) ?? 7_200
  const marks = Array.from({ length: Math.floor(end / step) + 1 }, (_, n) => n * step)
  return marks.map((second) => text(x(second), y + 18, minutes(second), 'text-anchor="middle"'))
}

function minutes(seconds: number): string {
  return seconds % 60 === 0 ? `${seconds / 60} min` : `${seconds} s`
}

function grid(y: number, label: string): string {
  const at = y.toFixed(1)
  return `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${at}" y2="${at}"/>${text(LEFT - 8, y + 4, label, 'text-anchor="end" class="quiet"')}`
}

function path(points: readonly (readonly number[])[]): string {
  return points.map(([x = 0, y = 0]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(' ')
}

function text(x: number, y: number, content: string, attributes = ''): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${attributes}>${escape(content)}</text>`
}

function escape(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}
