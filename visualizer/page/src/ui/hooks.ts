import type { RefObject } from 'preact'
import { useEffect, useLayoutEffect, useState } from 'preact/hooks'

import type { Store } from '../model/store.ts'

/** Renders again whenever the data has changed. */
export function useVersion(store: Store): number {
  return useDerived(store, () => store.version)
}

/** Renders again when the data has changed, but not more often than every `every` milliseconds. */
export function useBeat(store: Store, every: number): number {
  const [version, setVersion] = useState(store.version)
  useEffect(() => {
    const timer = setInterval(() => setVersion(store.version), every)
    return () => clearInterval(timer)
  }, [store, every])
  return version
}

/** Something that is computed from the data. Renders again only when it is another value. */
export function useDerived<Value>(store: Store, derive: () => Value): Value {
  const value = derive()
  const [, setSeen] = useState<{ readonly value: Value }>({ value })
  useEffect(() => {
    let last = value
    const look = () => {
      const next = derive()
      if (Object.is(next, last)) return
      last = next
      setSeen({ value: next })
    }
    look()
    return store.subscribe(look)
  })
  return value
}

/** The current time by the server's clock, updated every 250 milliseconds unless `every` says otherwise; or the time `at`. */
export function useNow(store: Store, at: number | null, every = 250): number {
  const [now, setNow] = useState(store.now())
  const played = useDerived(store, () => store.playback?.time ?? null)
  useEffect(() => {
    if (at !== null || played !== null) return undefined
    setNow(store.now())
    const timer = setInterval(() => setNow(store.now()), every)
    return () => clearInterval(timer)
  }, [store, store.skew, at, every, played !== null])
  return at ?? played ?? now
}

/** The size of an element in pixels, inside its borders. It is measured before the first picture. */
export function useSize(element: RefObject<HTMLElement | null>, width: number, height: number) {
  const [size, setSize] = useState({ width, height })
  useLayoutEffect(() => {
    const { current } = element
    if (!current) return undefined
    const measure = () => {
      const next = { width: current.clientWidth, height: current.clientHeight }
      setSize((last) => (last.width === next.width && last.height === next.height ? last : next))
    }
    measure()
    const observer = new ResizeObserver(measure)
    observer.observe(current)
    return () => observer.disconnect()
  }, [element.current])
  return size
}
