import { connectionsOf, FLEET_ABOVE } from './fleet.ts'
import type { Store } from './store.ts'

/** What the reader asked to see: one actor, all connections, or nothing particular. It is the fragment of the address. */
export type Route = { readonly show: 'auto' } | { readonly show: 'all' } | { readonly show: 'one'; readonly id: string }

export type View = 'loading' | 'refused' | 'empty' | 'fleet' | 'one'

/** @param before - the view until now. Data stays visible while the page connects again */
export function viewOf(store: Store, route: Route, before: View): View {
  const { link, actors } = store
  const isLoaded = link.status === 'live' || before === 'fleet' || before === 'one'
  if (!isLoaded) return link.status === 'refused' ? 'refused' : 'loading'
  if (actors.size === 0) return link.status === 'live' ? 'empty' : before
  if (route.show === 'all') return 'fleet'
  if (route.show === 'one' && actors.has(route.id)) return 'one'
  return isFleet(store) ? 'fleet' : 'one'
}

/** Whether the page begins with all connections. */
export function isFleet(store: Store): boolean {
  // Of a recording, the view must not change because a connection begins.
  return (store.playback?.tracks.length ?? connectionsOf(store).length) > FLEET_ABOVE
}

export function routeOf(hash: string): Route {
  const text = hash.replace(/^#/, '')
  if (text === 'all') return { show: 'all' }
  if (!text.startsWith('one=')) return { show: 'auto' }
  try {
    return { show: 'one', id: decodeURIComponent(text.slice(4)) }
  } catch {
    return { show: 'auto' }
  }
}

export function hashOf(route: Route): string {
  if (route.show === 'auto') return ''
  return route.show === 'all' ? '#all' : `#one=${encodeURIComponent(route.id)}`
}
