import { useEffect, useState } from 'preact/hooks'

import { hashOf, type Route, routeOf } from '../model/view.ts'

/** The route in the address, so that the browser's buttons work and a reload shows the same. */
export function useRoute(): readonly [route: Route, go: (route: Route, how?: 'push' | 'replace') => void] {
  const [route, setRoute] = useState(() => routeOf(location.hash))
  useEffect(() => {
    const onChange = () => setRoute(routeOf(location.hash))
    addEventListener('popstate', onChange)
    addEventListener('hashchange', onChange)
    return () => {
      removeEventListener('popstate', onChange)
      removeEventListener('hashchange', onChange)
    }
  }, [])
  const go = (next: Route, how: 'push' | 'replace' = 'push') => {
    const address = `${location.pathname}${location.search}${hashOf(next)}`
    if (how === 'push') history.pushState(null, '', address)
    else history.replaceState(null, '', address)
    setRoute(next)
  }
  return [route, go]
}
