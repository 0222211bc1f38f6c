import { useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks'

import { conditions, looks } from '../model/condition.ts'
import { clock, dayAndTime, duration, shown } from '../model/format.ts'
import { type Heat, heatOf } from '../model/heat.ts'
import type { Playback } from '../model/playback.ts'
import type { Actor } from '../model/types.ts'
import type { Window } from '../model/window.ts'
import { drawHeat } from './heat-picture.ts'
import { useSize } from './hooks.ts'
import { draw } from './timeline-picture.ts'
import { useScheme } from './use-scheme.ts'

interface ScrubberProps {
  readonly playback: Playback
  /** The connection that the page shows; `null` for all. */
  readonly actor: Actor | null
  readonly time: number
  /** The part of the recording that is in sight. */
  readonly part: Window
  readonly onZoom: (factor: number) => void
  readonly onAll: () => void
}

/** In pixels. */
const COLUMN = 3
const SECOND = 1_000

/** The timeline of a recording, with the moment that is shown: a slider for the mouse, a finger, and the keyboard. */
export function Scrubber({ playback, actor, time, part, onZoom, onAll }: ScrubberProps) {
  const canvas = useRef<HTMLCanvasElement>(null)
  const { width } = useSize(canvas, 800, 0)
  const scheme = useScheme()
  const [pointed, point] = useState<number | null>(null)
  /** Whether it was played before it was scrubbed; `null` while nobody scrubs. */
  const wasPlaying = useRef<boolean | null>(null)
  const { tracks, info } = playback
  const { left, span } = part
  const columns = Math.max(1, Math.floor(width / COLUMN))
  const track = actor && tracks.find((each) => each.actor === actor)
  const heat = useMemo(() => {
    const courses = (track ? [track] : tracks).map(({ bands, supersededAt }) => ({
      bands,
      silentSince: supersededAt,
      supersededAt,
    }))
    return heatOf(courses, left, left + span, columns)
  }, [tracks, track, left, span, columns])

  useLayoutEffect(() => {
    const element = canvas.current
    if (!element) return
    const end = Math.min(info.until, track?.supersededAt ?? info.until)
    if (track) {
      draw(element, {
        actor: { bands: track.bands, samples: [] },
        left,
        scale: width / span,
        width,
        now: end,
        at: time,
      })
    } else {
      drawHeat(element, { heat, all: tracks.length, left, span, width, at: time })
    }
  }, [heat, track, left, span, width, time, scheme])

  const timeAt = (x: number) => left + (Math.max(0, Math.min(width, x)) / width) * span
  const columnOf = (moment: number) =>
    Math.max(0, Math.min(columns - 1, Math.floor(((moment - left) / span) * columns)))
  const page = Math.max(SECOND, span / 20)
  const keys: Readonly<Record<string, (isLarge: boolean) => void>> = {
    ArrowLeft: (isLarge) => playback.seek(time - (isLarge ? 10 : 1) * SECOND),
    ArrowRight: (isLarge) => playback.seek(time + (isLarge ? 10 : 1) * SECOND),
    ArrowDown: () => playback.seek(time - SECOND),
    ArrowUp: () => playback.seek(time + SECOND),
    PageUp: () => playback.seek(time - page),
    PageDown: () => playback.seek(time + page),
    Home: () => playback.seek(info.from),
    End: () => playback.seek(info.until),
    '+': () => onZoom(0.5),
    '=': () => onZoom(0.5),
    '-': () => onZoom(2),
    '0': onAll,
  }
  const end = () => {
    if (wasPlaying.current) playback.play()
    wasPlaying.current = null
  }
  const whose = track && tracks.length > 1 ? ` of ${shown(track.actor.name, 60)}` : ''

  return (
    <div class="timeline-frame">
      <canvas
        ref={canvas}
        class={track ? 'scrubber one-track' : 'scrubber'}
        tabIndex={0}
        role="slider"
        aria-label={`The moment shown${whose}, in a recording of ${duration(info.until - info.from)}`}
        aria-valuemin={0}
        aria-valuemax={Math.round((info.until - info.from) / SECOND)}
        aria-valuenow={Math.round((time - info.from) / SECOND)}
        aria-valuetext={`${dayAndTime(time)}: ${wordsAt(heat, columnOf(time))}`}
        onKeyDown={(event) => {
          const act = event.ctrlKey || event.metaKey || event.altKey ? undefined : keys[event.key]
          if (!act) return
          event.preventDefault()
          act(event.shiftKey)
        }}
        onPointerDown={(event) => {
          if (event.button !== 0) return
          wasPlaying.current = playback.isPlaying
          playback.pause()
          event.currentTarget.setPointerCapture(event.pointerId)
          playback.seek(timeAt(event.offsetX))
        }}
        onPointerMove={(event) => {
          point(event.pointerType === 'mouse' ? timeAt(event.offsetX) : null)
          if (wasPlaying.current !== null) playback.seek(timeAt(event.offsetX))
        }}
        onPointerUp={end}
        onPointerCancel={end}
        onPointerLeave={() => point(null)}
        onWheel={(event) => {
          if (!event.ctrlKey && !event.metaKey) return
          event.preventDefault()
          onZoom(event.deltaY > 0 ? 1.25 : 0.8)
        }}
      />
      {pointed !== null && (
        <div
          class="timeline-tip"
          style={{ left: `${Math.max(0, Math.min(width - 240, ((pointed - left) / span) * width - 110))}px` }}
        >
          <b>{clock(pointed)}</b> {wordsAt(heat, columnOf(pointed), track ? '' : 'no connection')}
        </div>
      )}
    </div>
  )
}

/** How many connections were in which condition; of one connection, its condition. */
function wordsAt(heat: Heat, column: number, none = 'nothing recorded'): string {
  const words = conditions.flatMap((condition) => {
    const count = heat[condition][column] ?? 0
    return count > 0 ? [{ count, words: looks[condition].words }] : []
  })
  const [sole, another] = words
  if (sole?.count === 1 && !another) return sole.words
  return words.map(({ count, words: what }) => `${count.toLocaleString('en')} ${what}`).join(', ') || none
}
