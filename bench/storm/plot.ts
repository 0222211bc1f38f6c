import type { StormPolicy } from './policies.ts'
import type { StormResult, StormSecond } from './simulate.ts'

const WIDTH = 960
const LEFT = 70
const RIGHT = 20
const PANEL = 230
const GAP = 60
const TOP = 90

export interface Curve {
  readonly policy: StormPolicy
  readonly result: StormResult
}

/** Two panels over time: what the broker gets, and who is back. Plain SVG, readable on light and on dark. */
export function plot(curves: readonly Curve[], title: string, outageSeconds: number, capacity: number): string {
  const end = lastSecond(curves)
  const most = Math.max(capacity, ...curves.flatMap(({ result }) => result.timeline.map(({ attempts }) => attempts)))
  const decades = Math.max(1, Math.ceil(Math.log10(most)))
  const x = (second: number) => LEFT + (second / end) * (WIDTH - LEFT - RIGHT)
  const attemptsY = (n: number) => TOP + PANEL - (Math.log10(Math.max(1, n)) / decades) * PANEL
  const restoredTop = TOP + PANEL + GAP
  const restoredY = (share: number) => restoredTop + PANEL - share * PANEL
  const height = restoredTop + PANEL + 50
  const outage = x(outageSeconds)

  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="system-ui, sans-serif" font-size="12" role="img" aria-label="${escape(title)}">`,
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    text(LEFT, 22, title, 'font-size="15" font-weight="600"'),
    ...legend(curves),
    `<rect x="${LEFT}" y="${TOP}" width="${outage - LEFT}" height="${restoredTop + PANEL - TOP}" fill="#f3e9e9"/>`,
    text((LEFT + outage) / 2, TOP + 16, 'outage', 'text-anchor="middle" fill="#8a5a5a"'),
    ...Array.from({ length: decades + 1 }, (_, n) => grid(attemptsY(10 ** n), (10 ** n).toLocaleString('en'))),
    text(LEFT, TOP - 8, 'connection attempts per second (logarithmic)', 'fill="#444"'),
    `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${attemptsY(capacity)}" y2="${attemptsY(capacity)}" stroke="#000" stroke-dasharray="5 4"/>`,
    text(WIDTH - RIGHT, attemptsY(capacity) - 4, "the broker's capacity", 'text-anchor="end"'),
    ...[0, 0.25, 0.5, 0.75, 1].map((share) => grid(restoredY(share), `${share * 100} %`)),
    text(LEFT, restoredTop - 8, 'clients restored', 'fill="#444"'),
    ...timeAxis(end, x, restoredTop + PANEL),
    ...curves.map(({ policy, result }) =>
      line(
        everySecond(result.timeline, end).map(({ second, attempts }) => [x(second), attemptsY(attempts)]),
        policy.color,
        0.8,
      ),
    ),
    ...curves.map(({ policy, result }) =>
      line(
        restoredShare(result, outageSeconds, end).map(([second, share]) => [x(second), restoredY(share)]),
        policy.color,
        2,
      ),
    ),
    '</svg>',
    '',
  ].join('\n')
}

function lastSecond(curves: readonly Curve[]): number {
  return Math.max(...curves.map(({ result }) => (result.timeline.at(-1)?.second ?? 0) + 1))
}

function everySecond(timeline: readonly StormSecond[], end: number): readonly StormSecond[] {
  const last = timeline.at(-1)?.second ?? 0
  return last + 1 < end ? [...timeline, { second: last + 1, attempts: 0, restored: 0 }] : timeline
}

function restoredShare({ timeline, clients }: StormResult, from: number, end: number): [number, number][] {
  let restored = 0
  const points: [number, number][] = [[from, 0]]
  for (const second of timeline) {
    restored += second.restored
    if (second.second >= from) points.push([second.second + 1, restored / clients])
  }
  points.push([end, restored / clients])
  return points
}

function legend(curves: readonly Curve[]): string[] {
  return curves.flatMap(({ policy }, n) => {
    const left = LEFT + (n % 3) * 290
    const top = 42 + Math.floor(n / 3) * 18
    return [
      `<line x1="${left}" x2="${left + 22}" y1="${top - 4}" y2="${top - 4}" stroke="${policy.color}" stroke-width="3"/>`,
      text(left + 28, top, policy.label),
    ]
  })
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
  return `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y}" y2="${y}" stroke="#ddd"/>${text(LEFT - 8, y + 4, label, 'text-anchor="end"')}`
}

function line(points: readonly (readonly [number, number])[], color: string, width: number): string {
  const path = points.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(' ')
  return `<polyline points="${path}" fill="none" stroke="${color}" stroke-width="${width}" stroke-linejoin="round"/>`
}

function text(x: number, y: number, content: string, attributes = ''): string {
  return `<text x="${x}" y="${y}" ${attributes}>${escape(content)}</text>`
}

function escape(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}
