import { useEffect, useRef, useState } from 'preact/hooks'

import { dayAndTime, duration, shown } from '../model/format.ts'
import { type Playback, speeds } from '../model/playback.ts'
import { ranges } from '../model/range.ts'
import type { Store } from '../model/store.ts'
import type { Actor } from '../model/types.ts'
import { around, following, wholeOf, zoomed } from '../model/window.ts'
import { useDerived } from './hooks.ts'
import { isTaken } from './keys.ts'
import { Scrubber } from './scrubber.tsx'

interface PlayerProps {
  readonly store: Store
  readonly playback: Playback
  /** The connection that the page shows; `null` for all. */
  readonly actor: Actor | null
}

/** Goes through a recording: plays it, scrubs it, and jumps to its outages. */
export function Player({ store, playback, actor }: PlayerProps) {
  const time = useDerived(store, () => playback.time)
  const isPlaying = useDerived(store, () => playback.isPlaying)
  const speed = useDerived(store, () => playback.speed)
  const { info } = playback
  const whole = wholeOf(info)
  const [chosen, choose] = useState(whole)
  const shownPart = following(chosen, time, info)
  const place = actor?.connection ? actor : null
  const toggle = () => (playback.isPlaying ? playback.pause() : playback.play())
  const toOutage = (direction: 1 | -1) => void playback.toOutage(direction, place)
  const zoom = (factor: number) => choose(zoomed(shownPart, factor, playback.time, info))
  useEffect(() => choose(shownPart), [shownPart.left, shownPart.span])

  const keys: Readonly<Record<string, () => void>> = {
    ' ': toggle,
    n: () => toOutage(1),
    N: () => toOutage(-1),
    '.': () => playback.toStep(1, actor),
    ',': () => playback.toStep(-1, actor),
  }
  const latest = useRef(keys)
  latest.current = keys
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const act = event.defaultPrevented || isTaken(event) ? undefined : latest.current[event.key]
      if (!act) return
      event.preventDefault()
      act()
    }
    addEventListener('keydown', onKey)
    return () => removeEventListener('keydown', onKey)
  }, [])

  return (
    <section class="timeline player" aria-label="Recording">
      <div class="timeline-tools">
        <div class="timeline-buttons player-main" role="group" aria-label="Playback">
          <button
            type="button"
            aria-label="Previous outage"
            title="Previous outage (N)"
            disabled={!playback.outageFrom(-1, place)}
            onClick={() => toOutage(-1)}
          >
            ‹<span class="player-word"> Outage</span>
          </button>
          <button
            type="button"
            class="play"
            aria-label={isPlaying ? 'Pause' : 'Play'}
            title={isPlaying ? 'Pause (space)' : 'Play (space)'}
            disabled={info.from === info.until}
            onClick={toggle}
          >
            <svg viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">
              <path d={isPlaying ? 'M3 2h4v12H3zM9 2h4v12H9z' : 'M4 2l10 6-10 6z'} fill="currentColor" />
            </svg>
          </button>
          <button
            type="button"
            aria-label="Next outage"
            title="Next outage (n)"
            disabled={!playback.outageFrom(1, place)}
            onClick={() => toOutage(1)}
          >
            <span class="player-word">Outage </span>›
          </button>
        </div>
        <div class="timeline-buttons" role="group" aria-label="Speed">
          {speeds.map((each) => (
            <button
              key={each}
              type="button"
              aria-pressed={each === speed}
              title={`${each} ${each === 1 ? 'second' : 'seconds'} a second`}
              onClick={() => playback.setSpeed(each)}
            >
              {each}×
            </button>
          ))}
        </div>
        <p class="timeline-words">
          <b class="player-time" data-test="played-time">
            {dayAndTime(time)}
          </b>
          <span class="player-utc">{inUtc(time)}</span>
          <span data-test="outages">{words(playback, place)}</span>
        </p>
        <div class="timeline-buttons" role="group" aria-label="Time shown">
          {ranges
            .filter(([, ms]) => ms < whole.span)
            .map(([name, ms]) => (
              <button
                key={name}
                type="button"
                aria-pressed={shownPart.span === ms}
                onClick={() => choose(around(playback.time, ms, info))}
              >
                {name}
              </button>
            ))}
          <button type="button" aria-pressed={shownPart.span === whole.span} onClick={() => choose(whole)}>
            All
          </button>
        </div>
      </div>
      <Scrubber
        playback={playback}
        actor={actor}
        time={time}
        part={shownPart}
        onZoom={zoom}
        onAll={() => choose(whole)}
      />
    </section>
  )
}

function words(playback: Playback, actor: Actor | null): string {
  const troubles = playback.troubles(actor)
  const of = actor && playback.tracks.length > 1 ? ` of ${shown(actor.name, 40)}` : ''
  if (troubles.length === 0) return `No outage${of}`
  const longest = Math.max(...troubles.map(({ start, end }) => end - start))
  const present = troubles.findLastIndex(({ start, end }) => start <= playback.time && playback.time < end)
  const count = troubles.length === 1 ? '1 outage' : `${troubles.length} outages`
  if (present >= 0) return `In outage ${present + 1} of ${troubles.length}${of}`
  return `${count}${of}, the longest ${duration(longest)}`
}

/** The command line shows times in UTC. Empty if this is the time of the page. */
function inUtc(time: number): string {
  return new Date(time).getTimezoneOffset() === 0 ? '' : `${new Date(time).toISOString().slice(11, 19)} UTC`
}
