import { useEffect, useRef, useState } from 'preact/hooks'
import { clock, duration, percent, shown, when } from '../model/format.ts'
import type { Store } from '../model/store.ts'
import type { Actor, Entry, Family } from '../model/types.ts'
import { outagesOf, uptimeOf } from '../model/uptime.ts'
import { useNow } from './hooks.ts'

interface TimelineProps {
  readonly store: Store
  readonly actor: Actor
  readonly at: Entry | null
  readonly version: number
  readonly onTravel: (seq: number | null) => void
}

const MINUTE = 60_000
const RANGES: readonly (readonly [name: string, ms: number])[] = [
  ['5 min', 5 * MINUTE],
  ['30 min', 30 * MINUTE],
  ['2 h', 120 * MINUTE],
  ['12 h', 720 * MINUTE],
  ['24 h', 1440 * MINUTE],
]
const SHORTEST = 10_000
const LONGEST = 14 * 1440 * MINUTE

const BAND_TOP = 16
const BAND = 20
const TICKS = 8
const RATE = 22

/** The last hours of a connection: which state when, each attempt, how many messages. For "what happened last night". */
export function Timeline({ store, actor, at, version, onTravel }: TimelineProps) {
  const canvas = useRef<HTMLCanvasElement>(null)
  const [span, setSpan] = useState<number | 'all'>(30 * MINUTE)
  /** The end of what is shown; `null` moves with the time. */
  const [end, setEnd] = useState<number | null>(null)
  const [width, setWidth] = useState(800)
  const [pointed, point] = useState<{ x: number; time: number } | null>(null)
  const now = useNow(store, null, 1_000)
  const scheme = useScheme()
  const first = actor.bands[0]?.start ?? now
  const shownSpan = span === 'all' ? Math.max(SHORTEST, (now - first) * 1.02) : span
  const right = end ?? now + shownSpan * 0.01
  const left = right - shownSpan
  const scale = width / shownSpan
  const outages = outagesOf(actor)
  const visible = outages.filter((outage) => (outage.end ?? now) >= left && outage.start <= right)

  useEffect(() => {
    const element = canvas.current
    if (!element) return undefined
    const observer = new ResizeObserver(() => setWidth(element.clientWidth))
    observer.observe(element)
    return () => observer.disconnect()
  }, [])

  useEffect(() => {
    const element = canvas.current
    if (element) draw(element, { actor, left, scale, width, now, at })
  }, [actor, version, now, left, scale, width, at, scheme])

  const move = (part: number) => {
    const next = right + part * shownSpan
    setEnd(next >= now ? null : next)
    if (span === 'all') setSpan(shownSpan)
  }
  const zoom = (factor: number, where = 1) => {
    const next = Math.min(LONGEST, Math.max(SHORTEST, shownSpan * factor))
    const fixed = left + shownSpan * where
    const nextEnd = fixed + next * (1 - where)
    setSpan(next)
    setEnd(nextEnd >= now ? null : nextEnd)
  }
  const jump = (direction: -1 | 1) => {
    const from = at?.time ?? right
    const target = direction < 0 ? outages.findLast(({ start }) => start < from - 1) : outages.find(({ start }) => start > from)
    if (!target) return
    const outageEnd = target.end ?? now
    const room = Math.max(SHORTEST, (outageEnd - target.start) * 2)
    setSpan(room)
    setEnd(Math.min(now, target.start + room * 0.75))
    onTravel(target.seq)
  }
  const keys: Readonly<Record<string, () => void>> = {
    ArrowLeft: () => move(-0.2),
    ArrowRight: () => move(0.2),
    '+': () => zoom(0.7, 0.5),
    '=': () => zoom(0.7, 0.5),
    '-': () => zoom(1.4, 0.5),
    '0': () => {
      setSpan('all')
      setEnd(null)
    },
    End: () => setEnd(null),
  }
  const uptime = uptimeOf(actor, now)
  const longest = outages.reduce((most, outage) => Math.max(most, (outage.end ?? now) - outage.start), 0)
  const bandAt = pointed ? bandOf(actor, pointed.time) : null
  const drag = useRef<{ x: number; right: number } | null>(null)

  return (
    <section class="timeline" aria-label="Timeline">
      <div class="timeline-tools">
        <h2>Timeline</h2>
        <p class="timeline-words" data-test="outages">
          {outages.length === 0
            ? 'No outage'
            : `${outages.length} ${outages.length === 1 ? 'outage' : 'outages'}, the longest ${duration(longest)}`}
          {uptime && ` in the last ${duration(uptime.of)}: online ${percent(uptime.ratio)}`}
        </p>
        <div class="timeline-buttons" role="group" aria-label="Outages">
          <button type="button" onClick={() => jump(-1)} disabled={outages.length === 0}>
            ‹ Outage
          </button>
          <button type="button" onClick={() => jump(1)} disabled={outages.length === 0}>
            Outage ›
          </button>
        </div>
        <div class="timeline-buttons" role="group" aria-label="Time shown">
          {RANGES.map(([name, ms]) => (
            <button key={name} type="button" aria-pressed={span === ms && end === null} onClick={() => (setSpan(ms), setEnd(null))}>
              {name}
            </button>
          ))}
          <button type="button" aria-pressed={span === 'all'} onClick={() => (setSpan('all'), setEnd(null))}>
            All
          </button>
        </div>
      </div>
      <div class="timeline-frame">
        <canvas
          ref={canvas}
          tabIndex={0}
          role="img"
          aria-label={`From ${when(left, now)} to ${when(Math.min(right, now), now)}: ${visible.length} outages. Arrow keys move it, plus and minus zoom.`}
          onKeyDown={(event) => {
            const act = keys[event.key]
            if (!act) return
            event.preventDefault()
            act()
          }}
          onWheel={(event) => {
            if (!event.ctrlKey && !event.metaKey && Math.abs(event.deltaX) <= Math.abs(event.deltaY)) return
            event.preventDefault()
            if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) move(event.deltaX / 1000)
            else zoom(event.deltaY > 0 ? 1.2 : 1 / 1.2, event.offsetX / width)
          }}
          onPointerDown={(event) => {
            drag.current = { x: event.clientX, right }
            event.currentTarget.setPointerCapture(event.pointerId)
          }}
          onPointerMove={(event) => {
            point({ x: event.offsetX, time: left + event.offsetX / scale })
            const start = drag.current
            if (!start || Math.abs(event.clientX - start.x) < 4) return
            const next = start.right - (event.clientX - start.x) / scale
            if (span === 'all') setSpan(shownSpan)
            setEnd(next >= now ? null : next)
          }}
          onPointerUp={(event) => {
            const start = drag.current
            drag.current = null
            if (!start || Math.abs(event.clientX - start.x) >= 4) return
            const band = bandOf(actor, left + event.offsetX / scale)
            onTravel(band?.seq ?? null)
          }}
          onPointerLeave={() => point(null)}
        />
        {pointed && bandAt && (
          <div class={`timeline-tip family-${bandAt.family}`} style={{ left: `${Math.min(Math.max(0, width - 240), Math.max(0, pointed.x - 110))}px` }}>
            <span class="dot" aria-hidden="true" /> <b>{shown(bandAt.state, 50)}</b> {clock(bandAt.start)} · {duration(bandAt.end - bandAt.start)}
          </div>
        )}
      </div>
    </section>
  )

  function bandOf({ bands }: Actor, time: number) {
    if (time > now) return null
    const index = bands.findLastIndex(({ start }) => start <= time)
    const band = bands[index]
    return band ? { ...band, end: bands[index + 1]?.start ?? now } : null
  }
}

interface Picture {
  readonly actor: Actor
  readonly left: number
  readonly scale: number
  readonly width: number
  readonly now: number
  readonly at: Entry | null
}

function draw(canvas: HTMLCanvasElement, { actor, left, scale, width, now, at }: Picture): void {
  const height = canvas.clientHeight
  const ratio = devicePixelRatio
  if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio)
  if (canvas.height !== Math.round(height * ratio)) canvas.height = Math.round(height * ratio)
  const pen = canvas.getContext('2d')
  if (!pen) return
  const style = getComputedStyle(canvas)
  const color = (name: string) => style.getPropertyValue(name)
  const families: Readonly<Record<Family, string>> = {
    online: color('--online'),
    waiting: color('--waiting'),
    failed: color('--failed'),
    busy: color('--busy'),
    resting: color('--resting'),
  }
  const xOf = (time: number) => (time - left) * scale
  pen.setTransform(ratio, 0, 0, ratio, 0, 0)
  pen.clearRect(0, 0, width, height)
  axis(pen, { left, scale, width, height, line: color('--line'), text: color('--muted'), font: style.fontFamily })

  pen.fillStyle = color('--sunken')
  pen.fillRect(0, BAND_TOP, width, BAND)
  const { bands } = actor
  for (let index = bands.length - 1; index >= 0; index--) {
    const band = bands[index]
    if (!band) continue
    const x = Math.max(0, xOf(band.start))
    const end = Math.min(width, xOf(bands[index + 1]?.start ?? now))
    if (end < 0) break
    if (x > width) continue
    pen.fillStyle = families[band.family]
    // A moment has to be seen too.
    pen.fillRect(x, BAND_TOP, Math.max(1, end - x), BAND)
    if (band.attempt && xOf(band.start) >= 0) {
      pen.fillStyle = families.busy
      pen.fillRect(xOf(band.start), BAND_TOP + BAND + 3, 1.5, TICKS)
    }
  }
  rates(pen, actor, { xOf, width, base: BAND_TOP + BAND + TICKS + 6 + RATE, color: color('--busy') })

  if (at) {
    const x = xOf(at.time)
    pen.fillStyle = color('--text')
    pen.fillRect(x - 1, BAND_TOP - 5, 2, BAND + 10)
    pen.beginPath()
    pen.moveTo(x - 5, BAND_TOP - 8)
    pen.lineTo(x + 5, BAND_TOP - 8)
    pen.lineTo(x, BAND_TOP - 2)
    pen.fill()
  }
}

interface Axis {
  readonly left: number
  readonly scale: number
  readonly width: number
  readonly height: number
  readonly line: string
  readonly text: string
  readonly font: string
}

const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800]

function axis(pen: CanvasRenderingContext2D, { left, scale, width, height, line, text, font }: Axis): void {
  const step = (STEPS.find((seconds) => seconds * 1000 * scale >= 90) ?? 604_800) * 1000
  const offset = new Date(left).getTimezoneOffset() * MINUTE
  pen.font = `11px ${font}`
  for (let time = Math.ceil((left - offset) / step) * step + offset; (time - left) * scale < width; time += step) {
    const x = Math.round((time - left) * scale)
    pen.fillStyle = line
    pen.fillRect(x, BAND_TOP, 1, height - BAND_TOP)
    const date = new Date(time)
    const midnight = date.getHours() === 0 && date.getMinutes() === 0 && date.getSeconds() === 0
    const options = { hour: '2-digit', minute: '2-digit', hour12: false } as const
    const words = midnight
      ? date.toLocaleDateString(undefined, { day: 'numeric', month: 'short' })
      : date.toLocaleTimeString(undefined, step < MINUTE ? { ...options, second: '2-digit' } : options)
    pen.fillStyle = text
    pen.fillText(words, x + 4, 10)
  }
}

interface Rates {
  readonly xOf: (time: number) => number
  readonly width: number
  readonly base: number
  readonly color: string
}

/** Messages a second, as a line whose highest point is the highest rate in sight. */
function rates(pen: CanvasRenderingContext2D, { samples }: Actor, { xOf, width, base, color }: Rates): void {
  const points: [number, number][] = []
  let highest = 0
  for (let index = 1; index < samples.length; index++) {
    const sample = samples[index]
    const before = samples[index - 1]
    if (!sample || !before) continue
    const x = xOf(sample.time)
    if (x < 0 || xOf(before.time) > width) continue
    const seconds = (sample.time - before.time) / 1000
    const rate = Math.max(0, sample.total - before.total) / Math.max(0.2, seconds)
    points.push([xOf(before.time), rate], [x, rate])
    highest = Math.max(highest, rate)
  }
  const [start] = points
  if (!start || highest === 0) return
  pen.beginPath()
  pen.moveTo(start[0], base)
  for (const [x, rate] of points) pen.lineTo(x, base - (rate / highest) * RATE)
  pen.lineTo(points.at(-1)?.[0] ?? 0, base)
  pen.globalAlpha = 0.25
  pen.fillStyle = color
  pen.fill()
  pen.globalAlpha = 1
}

/** Colours of a canvas do not follow the scheme by themselves. */
function useScheme(): string {
  const [scheme, setScheme] = useState('')
  useEffect(() => {
    const query = matchMedia('(prefers-color-scheme: dark)')
    const look = () => setScheme(`${document.documentElement.dataset.theme} ${query.matches}`)
    const observer = new MutationObserver(look)
    observer.observe(document.documentElement, { attributeFilter: ['data-theme'] })
    query.addEventListener('change', look)
    return () => {
      observer.disconnect()
      query.removeEventListener('change', look)
    }
  }, [])
  return scheme
}
