import { familyOf } from '../../../shared/family.ts'
import { type Condition, conditions, looks } from './condition.ts'
import type { Counts } from './fleet.ts'
import { silentSince } from './processes.ts'
import type { Store } from './store.ts'
import type { Actor } from './types.ts'

/** What the tab of the browser shows. */
export interface Tab {
  readonly title: string
  readonly condition: Condition
}

const APP = 'xstate-mqtt'

/**
 * The tab tells the state while another one is open.
 *
 * @param one - the connection that the page shows; `null` if there is none
 */
export function tabOf(
  store: Store,
  one: Pick<Actor, 'name' | 'snapshot' | 'stopped' | 'feedId'> | null,
  state: string,
): Tab {
  const { status } = store.link
  if (status === 'lost' || status === 'refused') return { title: `? Out of date · ${APP}`, condition: 'silent' }
  if (status !== 'live') return { title: `Loading · ${APP}`, condition: 'resting' }
  if (one) {
    const condition = silentSince(store, one as Actor) === null ? familyOf(one.snapshot) : 'silent'
    const words = condition === 'silent' ? looks.silent.words : state
    return { title: `${looks[condition].sign} ${words} · ${one.name} · ${APP}`, condition }
  }
  return { title: `No connection yet · ${APP}`, condition: 'resting' }
}

/** The tab of all connections. */
export function fleetTabOf(store: Store, counts: Counts): Tab {
  if (store.link.status !== 'live') return tabOf(store, null, '')
  const all = Object.values(counts).reduce((sum, count) => sum + count, 0)
  const worst = conditions.find((condition) => counts[condition] > 0) ?? 'resting'
  const online = `${counts.online} of ${all} connected`
  const { sign, words } = looks[worst]
  const trouble = worst === 'online' || worst === 'resting' ? '' : `${counts[worst]} ${words}, `
  return { title: `${sign} ${trouble}${online} · ${APP}`, condition: worst }
}
