import { useRef } from 'preact/hooks'

import { connectionsOf } from '../model/fleet.ts'
import { rootOf } from '../model/processes.ts'
import type { Store } from '../model/store.ts'
import { tabOf } from '../model/tab.ts'
import { isFleet, type View, viewOf } from '../model/view.ts'
import type { Source } from '../source.ts'
import { Fleet } from './fleet.tsx'
import { useDerived } from './hooks.ts'
import { One } from './one.tsx'
import { Empty, Loading, Refused } from './start.tsx'
import { Toast } from './toast.tsx'
import { TopBar } from './top-bar.tsx'
import { usePlaying } from './use-playing.ts'
import { useRoute } from './use-route.ts'
import { useTab } from './use-tab.ts'

/** Chooses what to show: all connections, one of them, or why there is nothing to show. */
export function App({ store, source }: { store: Store; source: Source }) {
  const [route, go] = useRoute()
  usePlaying(store)
  const before = useRef<View>('loading')
  const view = useDerived(store, () => viewOf(store, route, before.current))
  before.current = view
  const connections = useDerived(store, () => connectionsOf(store).length)
  const many = useDerived(store, () => isFleet(store))
  /** The connection that the reader looked at last. */
  const last = useRef<string | null>(null)
  const id = route.show === 'one' ? route.id : null

  return (
    <>
      {view === 'fleet' && (
        <Fleet
          store={store}
          focus={last.current}
          onOpen={(memberId) => {
            last.current = memberId
            go({ show: 'one', id: memberId })
          }}
        />
      )}
      {view === 'one' && (
        <One
          store={store}
          source={source}
          id={id}
          connections={connections}
          isFleet={many}
          onChoose={(actor) => {
            last.current = rootOf(store, actor).sessionId
            go({ show: 'one', id: actor.sessionId }, 'replace')
          }}
          onAll={() => {
            if (connections > 1) go({ show: 'all' })
          }}
        />
      )}
      {view !== 'fleet' && view !== 'one' && <Start store={store} view={view} />}
      <Toast store={store} />
    </>
  )
}

const starts = { loading: Loading, refused: Refused, empty: Empty } as const

function Start({ store, view }: { store: Store; view: keyof typeof starts }) {
  useDerived(store, () => store.link)
  useTab(tabOf(store, null, ''))
  const Shown = starts[view]
  return (
    <div class="app start">
      <TopBar store={store} at={null} onLive={() => {}} onAll={null} connections={0} />
      <Shown store={store} />
    </div>
  )
}
