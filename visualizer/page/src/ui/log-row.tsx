import { clockMs, shortDelay, shown } from '../model/format.ts'
import type { Names } from '../model/processes.ts'
import { contextOf, number } from '../model/state.ts'
import type { Entry } from '../model/types.ts'
import { eventTitle } from '../model/words.ts'

interface RowProps {
  readonly entry: Entry
  readonly y: number
  readonly position: number
  readonly of: number
  readonly selected: boolean
  /** Whether it is an entry of the selected actor. */
  readonly own: boolean
  readonly names: Names
  readonly onSelect: () => void
}

/** One step of an actor, in two lines. */
export function Row({ entry, y, position, of, selected, own, names, onSelect }: RowProps) {
  const { event, from, to, changed, guards, failure, family, actor, time } = entry
  const delay = event.type.startsWith('xstate.after.') ? number(contextOf(entry.snapshot).delay) : null
  const process = names.process(actor)
  const isWait = /reconnectDelay|recoveryDelay/.test(event.type)
  return (
    <div
      id={`entry-${entry.seq}`}
      class={`row family-${family}${changed ? ' changed' : ''}${process ? ' named' : ''}`}
      role="option"
      aria-selected={selected}
      aria-posinset={position}
      aria-setsize={of}
      style={{ transform: `translateY(${y}px)` }}
      onClick={onSelect}
    >
      <span class="row-time">{clockMs(time)}</span>
      <span class="row-event">
        {eventTitle(event)}
        {isWait && delay ? <small> {shortDelay(delay)}</small> : null}
        {guards.length > 0 && <span class="row-guard"> [{shown(guards.join(', '), 60)}]</span>}
      </span>
      <span class="row-actor">{own ? '' : shown(names.actor(actor), 60)}</span>
      <span class="row-states">
        {changed ? (
          <>
            {from && <>{shown(from, 60)} → </>}
            <b>{shown(to, 60)}</b>
          </>
        ) : (
          <span class="muted">{shown(to, 60)}</span>
        )}
        {failure && (
          <span class="row-failure" title={failure}>
            {' '}
            {failure}
          </span>
        )}
      </span>
      {process && <span class="row-actor">{shown(process, 60)}</span>}
    </div>
  )
}
