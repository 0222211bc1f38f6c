import { memo } from 'preact/compat'
import { useLayoutEffect, useRef, useState } from 'preact/hooks'

import { type Condition, looks } from '../model/condition.ts'
import type { Member } from '../model/fleet.ts'
import { shown } from '../model/format.ts'
import { ageOf, type Density, densityOf, groupsOf, type Order, restOf } from '../model/members.ts'
import type { Store } from '../model/store.ts'
import { useNow } from './hooks.ts'
import { useRoving } from './use-roving.ts'

interface CellsProps {
  readonly store: Store
  readonly members: readonly Member[]
  readonly order: Order
  /** The past moment that is shown; `null` for now. */
  readonly at: number | null
  /** The connection that has the focus at first; `null` for none. */
  readonly focus: string | null
  readonly onPoint: (id: string | null) => void
  readonly onOpen: (id: string) => void
}

/** A cell for each connection. The more there are, the smaller are the cells; the sign and the colour stay. */
export function Cells({ store, members, order, at, focus, onPoint, onOpen }: CellsProps) {
  const list = useRef<HTMLDivElement>(null)
  const [current, setCurrent] = useState<string | null>(focus)
  const density = densityOf(members.length)
  // Only cards show how old a state is.
  const now = useNow(store, at, density === 'card' ? 1_000 : 3_600_000)
  const inSight = members.some(({ id }) => id === current) ? current : (members[0]?.id ?? null)
  const onKeyDown = useRoving(list)
  const open = useRef(onOpen)
  open.current = onOpen

  useLayoutEffect(() => {
    if (focus !== null) cellOf(list.current, focus)?.focus()
  }, [])
  // A cell that moves to another place loses the focus.
  const hadFocus = useRef(false)
  useLayoutEffect(() => {
    if (hadFocus.current && document.activeElement === document.body && current) cellOf(list.current, current)?.focus()
  })

  return (
    <div
      ref={list}
      class={`cells cells-${density}`}
      onKeyDown={onKeyDown}
      onFocusCapture={(event) => {
        hadFocus.current = true
        const { id } = (event.target as HTMLElement).dataset
        if (id === undefined) return
        setCurrent(id)
        onPoint(id)
      }}
      onFocusOut={(event) => {
        const { relatedTarget: next } = event
        // A cell that is moved loses the focus to nothing.
        if (next !== null) hadFocus.current = list.current?.contains(next as Node) ?? false
      }}
      onMouseOver={(event) => {
        const cell = (event.target as HTMLElement).closest<HTMLElement>('[data-id]')
        if (cell) onPoint(cell.dataset.id ?? null)
      }}
      onClick={(event) => {
        const cell = (event.target as HTMLElement).closest<HTMLElement>('[data-id]')
        if (cell?.dataset.id !== undefined) open.current(cell.dataset.id)
      }}
    >
      {groupsOf(members, order).map(({ key, title, members: group }) => (
        <section key={key} aria-label={title === '' ? undefined : `${title}: ${group.length}`}>
          {title && (
            <h3 aria-hidden="true">
              {shown(title, 160)} <small>{group.length.toLocaleString('en')}</small>
            </h3>
          )}
          <ul>
            {group.map((member) => (
              <li key={member.id}>
                <Cell
                  id={member.id}
                  name={member.name}
                  condition={member.condition}
                  detail={density === 'card' ? detailOf(member, now) : ''}
                  more={restOf(member)}
                  density={density}
                  isCurrent={member.id === inSight}
                />
              </li>
            ))}
          </ul>
        </section>
      ))}
    </div>
  )
}

interface CellProps {
  readonly id: string
  readonly name: string
  readonly condition: Condition
  readonly detail: string
  /** What the cell does not show, for readers that do not see it. */
  readonly more: string
  readonly density: Density
  /** Whether the tab key leads to it. */
  readonly isCurrent: boolean
}

/** Renders only if it looks different: of 500 cells, few change at a time. */
const Cell = memo(function Cell({ id, name, condition, detail, more, density, isCurrent }: CellProps) {
  return (
    <button type="button" class={`cell is-${condition}`} data-id={id} tabIndex={isCurrent ? 0 : -1}>
      <span class="sign" aria-hidden="true">
        {looks[condition].sign}
      </span>
      <span class={density === 'dot' ? 'hidden' : 'cell-name'}>{shown(name, 60)}</span>
      {detail && <small>{detail}</small>}
      <span class="hidden">, {more}</span>
    </button>
  )
})

function detailOf(member: Member, now: number): string {
  const state = shown(member.state, 40)
  return member.condition === 'silent' ? `was ${state}, ${ageOf(member, now)} ago` : `${state} · ${ageOf(member, now)}`
}

function cellOf(list: HTMLElement | null, id: string): HTMLElement | null {
  return list?.querySelector(`[data-id="${CSS.escape(id)}"]`) ?? null
}
