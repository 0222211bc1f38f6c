import { looks } from '../model/condition.ts'
import type { Member } from '../model/fleet.ts'
import { shown } from '../model/format.ts'
import { ageOf } from '../model/members.ts'
import type { Store } from '../model/store.ts'
import { useNow } from './hooks.ts'

interface DetailProps {
  readonly store: Store
  readonly member: Member | undefined
  /** The past moment that is shown; `null` for now. */
  readonly at: number | null
}

const hint = 'Point at a connection, or move with the arrow keys. Enter opens it.'
const touchHint = 'Tap a connection to open it.'

/** The connection under the pointer or the focus, in a line whose height is always the same. */
export function MemberDetail({ store, member, at }: DetailProps) {
  const now = useNow(store, at, 1_000)
  if (!member) {
    return <p class="member-detail muted">{matchMedia('(hover: none)').matches ? touchHint : hint}</p>
  }
  const { name, process, condition, state, failure } = member
  const { sign, words } = looks[condition]
  return (
    <p class={`member-detail is-${condition}`} data-test="member">
      <span class="sign" aria-hidden="true">
        {sign}
      </span>
      <b>{shown(name, 80)}</b>
      {process && <span class="muted">{shown(process, 60)}</span>}
      <span class="member-state">
        {condition === 'silent' ? `${words}, last seen: ${shown(state, 60)}` : shown(state, 60)} for{' '}
        {ageOf(member, now)}
      </span>
      {failure && (
        <span class="member-failure" title={failure}>
          {shown(failure, 200)}
        </span>
      )}
    </p>
  )
}
