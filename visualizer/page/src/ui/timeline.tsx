import { memo } from 'preact/compat'
import { useLayoutEffect, useRef, useState } from 'preact/hooks'

import { clock, duration, percent, shown, when } from '../model/format.ts'
import { fittingRange, isUseful, ranges } from '../model/range.ts'
import { ratesOf, rateWords } from '../model/rates.ts'
import type { Actor, Entry, Link } from '../model/types.ts'
import { outagesOf, uptimeOf, type Outage } from '../model/uptime.ts'
import { useSize } from './hooks.ts'
import { draw } from './timeline-picture.ts'
import { useScheme } from './use-scheme.ts'

interface TimelineProps {
  readonly actor: Actor
  readonly at: Entry | null
  readonly now: number
  /** The time of the last report: the current time, as long as the actor's process reports. */
  readonly known: number
  /** Changes when the replay has ended, so that the timeline is drawn again. */
  readonly link: Link['status']
  readonly onTravel: (seq: number | null) => void
}

const SHORTEST = 10_000
const LONGEST = 14 * 86_400_000

/**
 * The last hours of a connection: its states, its attempts and its message rates. It answers "what happened last night?".
 * It is drawn once a second, however many events there are.
 */
export const Timeline = memo(function Timeline({ actor, at, now, known, link, onTravel }: TimelineProps) {
  const canvas = useRef<HTMLCanvasElement>(null)
  const [span, setSpan] = useState<number | 'fit' | 'all'>('fit')
  /** The end of the visible time; `null` follows the current time. */
  const [end, setEnd] = useState<number | null>(null)
  const { width } = useSize(canvas, 800, 0)
  const [pointed, point] = useState<{ x: number; time: number } | null>(null)
  const scheme = useScheme()
  const first = actor.bands[0]?.start ?? now
  const whole = span === 'fit' ? fittingRange(first, now) : Math.max(SHORTEST, (now - first) * 1.02)
  const shownSpan = typeof span === 'number' ? span : whole
  const right = end ?? now + shownSpan * 0.01
  const left = right - shownSpan
  const scale = width / shownSpan
  // For other machines, it is not known which states are outages.
  const outages = actor.connection ? outagesOf(actor) : []
  const visible = outages.filter((outage) => (outage.end ?? known) >= left && outage.start <= right)

  useLayoutEffect(() => {
    const element = canvas.current
    if (element) draw(element, { actor, left, scale, width, now: known, at: at?.time ?? null })
  }, [actor, known, link, left, scale, width, at, scheme])

  const move = (part: number) => {
    const next = right + part * shownSpan
    setEnd(next >= now ? null : next)
    if (typeof span !== 'number') setSpan(shownSpan)
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
    const target =
      direction < 0 ? outages.findLast(({ start }) => start < from - 1) : outages.find(({ start }) => start > from)
    if (!target) return
    const outageEnd = target.end ?? known
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
  const uptime = uptimeOf(actor, known)
  const longest = outages.reduce((most, outage) => Math.max(most, (outage.end ?? known) - outage.start), 0)
  const bandAt = pointed ? bandAtTime(actor, pointed.time, known) : null
  const rateAt = pointed ? ratesOf(actor.samples, pointed.time, pointed.time).at(-1) : undefined
  const drag = useRef<{ x: number; right: number } | null>(null)

  return (
    <section class="timeline" aria-label="Timeline">
      <div class="timeline-tools">
        <h2>Timeline</h2>
        <p class="timeline-words" data-test="outages">
          {actor.connection && outageWords(outages, longest)}
          {actor.connection && uptime && ` in the last ${duration(uptime.of)}: online ${percent(uptime.ratio)}`}
        </p>
        {actor.connection && (
          <div class="timeline-buttons" role="group" aria-label="Outages">
            <button type="button" onClick={() => jump(-1)} disabled={outages.length === 0}>
              ‹ Outage
            </button>
            <button type="button" onClick={() => jump(1)} disabled={outages.length === 0}>
              Outage ›
            </button>
          </div>
        )}
        <div class="timeline-buttons" role="group" aria-label="Time shown">
          {ranges.map(([name, ms]) => (
            <button
              key={name}
              type="button"
              aria-pressed={shownSpan === ms && end === null}
              disabled={!isUseful(ms, first, now)}
              onClick={() => (setSpan(ms), setEnd(null))}
            >
              {name}
            </button>
          ))}
          <button
            type="button"
            aria-pressed={typeof span !== 'number' && !ranges.some(([, ms]) => ms === whole) && end === null}
            onClick={() => (setSpan('all'), setEnd(null))}
          >
            All
          </button>
        </div>
      </div>
      <div class="timeline-frame">
        <canvas
          ref={canvas}
          tabIndex={0}
          role="img"
          aria-label={`From ${when(left, now)} to ${when(Math.min(right, now), now)}${actor.connection ? `: ${visible.length} outages` : ''}. Arrow keys move it, plus and minus zoom.`}
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
            if (typeof span !== 'number') setSpan(shownSpan)
            setEnd(next >= now ? null : next)
          }}
          onPointerUp={(event) => {
            const start = drag.current
            drag.current = null
            if (!start || Math.abs(event.clientX - start.x) >= 4) return
            const band = bandAtTime(actor, left + event.offsetX / scale, known)
            onTravel(band?.seq ?? null)
          }}
          onPointerLeave={() => point(null)}
        />
        {pointed && bandAt && (
          <div
            class={`timeline-tip family-${bandAt.family}`}
            style={{ left: `${Math.min(Math.max(0, width - 240), Math.max(0, pointed.x - 110))}px` }}
          >
            <span class="dot" aria-hidden="true" /> <b>{shown(bandAt.state, 50)}</b> {clock(bandAt.start)} ·{' '}
            {duration(bandAt.end - bandAt.start)}
            {rateAt && ` · ${rateWords(rateAt.rate)}`}
          </div>
        )}
      </div>
    </section>
  )
})

function outageWords({ length }: readonly Outage[], longest: number): string {
  if (length === 0) return 'No outage'
  return `${length} ${length === 1 ? 'outage' : 'outages'}, the longest ${duration(longest)}`
}

function bandAtTime({ bands }: Actor, time: number, now: number) {
  if (time > now) return null
  const index = bands.findLastIndex(({ start }) => start <= time)
  const band = bands[index]
  return band ? { ...band, end: bands[index + 1]?.start ?? now } : null
}
