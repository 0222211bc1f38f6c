import { useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks'

import { conditions, looks } from '../model/condition.ts'
import { connectionsOf, everyConnectionOf } from '../model/fleet.ts'
import { clock, duration, when } from '../model/format.ts'
import { type Heat, heatOf, worstOf } from '../model/heat.ts'
import { silentSince, supersededAt } from '../model/processes.ts'
import { fittingRange, isUseful, ranges } from '../model/range.ts'
import type { Store } from '../model/store.ts'
import { drawHeat } from './heat-picture.ts'
import { useNow, useSize } from './hooks.ts'
import { useScheme } from './use-scheme.ts'

/** In pixels. */
const COLUMN = 3

interface HeatStripProps {
  readonly store: Store
  /** The past moment that is shown; `null` for now. */
  readonly at: number | null
  readonly onTravel: (at: number | null) => void
}

/** What all connections did, above each other: the worst on top. A click shows them as they were then. */
export function HeatStrip({ store, at, onTravel }: HeatStripProps) {
  const now = useNow(store, null, 1_000)
  const canvas = useRef<HTMLCanvasElement>(null)
  const { width } = useSize(canvas, 800, 0)
  const scheme = useScheme()
  const [chosen, choose] = useState<number | null>(null)
  const [pointed, point] = useState<number | null>(null)
  const columns = Math.max(1, Math.floor(width / COLUMN))
  // Columns of minutes need not be drawn every second.
  const known = useRef(0)
  const tick = Math.floor(now / Math.max(1_000, known.current / columns / 2))
  const picture = useMemo(() => {
    const courses = everyConnectionOf(store).map((actor) => ({
      bands: actor.bands,
      silentSince: silentSince(store, actor),
      supersededAt: supersededAt(store, actor),
    }))
    const first = courses.reduce((least, { bands }) => Math.min(least, bands[0]?.start ?? least), now)
    const span = chosen ?? fittingRange(first, now)
    return {
      heat: heatOf(courses, now - span, now, columns),
      first,
      left: now - span,
      span,
      all: connectionsOf(store).length,
    }
  }, [tick, chosen, columns, store.link])
  const { heat, first, left, span, all } = picture
  known.current = span
  const timeOf = (x: number) => left + (Math.max(0, Math.min(width, x)) / width) * span
  const columnOf = (time: number) => Math.max(0, Math.min(columns - 1, Math.floor(((time - left) / span) * columns)))

  useLayoutEffect(() => {
    const element = canvas.current
    if (element) drawHeat(element, { heat, all, left, span, width, at })
  }, [picture, width, at, scheme])

  const step = span / columns
  const keys: Readonly<Record<string, () => number | null>> = {
    ArrowLeft: () => Math.max(left, (at ?? now) - step * 2),
    ArrowRight: () => (at === null || at + step * 2 >= now ? null : at + step * 2),
    PageUp: () => Math.max(left, (at ?? now) - step * 20),
    PageDown: () => (at === null || at + step * 20 >= now ? null : at + step * 20),
    Home: () => left,
    End: () => null,
  }
  const moment = at ?? now
  return (
    <section class="timeline heat" aria-label="Timeline of all connections">
      <div class="timeline-tools">
        <h2>Timeline</h2>
        <p class="timeline-words">
          {pointed === null ? worstWords(heat, left, span) : `${clock(pointed)}: ${wordsAt(heat, columnOf(pointed))}`}
        </p>
        <div class="timeline-buttons" role="group" aria-label="Time shown">
          {ranges.map(([name, ms]) => (
            <button
              key={name}
              type="button"
              aria-pressed={span === ms}
              disabled={!isUseful(ms, first, now)}
              onClick={() => choose(ms)}
            >
              {name}
            </button>
          ))}
          <button
            type="button"
            aria-pressed={chosen === null && !ranges.some(([, ms]) => ms === span)}
            onClick={() => choose(null)}
          >
            All
          </button>
        </div>
      </div>
      <div class="timeline-frame">
        <canvas
          ref={canvas}
          tabIndex={0}
          role="slider"
          aria-label={`The moment shown, in the last ${duration(span)}`}
          aria-valuemin={0}
          aria-valuemax={columns - 1}
          aria-valuenow={columnOf(moment)}
          aria-valuetext={`${at === null ? 'now' : when(at, now)}: ${wordsAt(heat, columnOf(moment))}`}
          onKeyDown={(event) => {
            const key = keys[event.key]
            if (!key) return
            event.preventDefault()
            onTravel(key())
          }}
          onPointerMove={(event) => point(timeOf(event.offsetX))}
          onPointerLeave={() => point(null)}
          onClick={(event) => onTravel(event.offsetX >= width - 2 ? null : timeOf(event.offsetX))}
        />
      </div>
    </section>
  )
}

function wordsAt(heat: Heat, column: number): string {
  const words = conditions.flatMap((condition) => {
    const count = heat[condition][column] ?? 0
    return count > 0 ? [`${count.toLocaleString('en')} ${looks[condition].words}`] : []
  })
  return words.length > 0 ? words.join(', ') : 'no connection'
}

function worstWords(heat: Heat, left: number, span: number): string {
  const worst = worstOf(heat)
  if (!worst) return `No trouble in the last ${duration(span)}`
  const time = left + ((worst.column + 0.5) / heat.online.length) * span
  return `At worst ${worst.count.toLocaleString('en')} without a connection, at ${clock(time)}`
}
