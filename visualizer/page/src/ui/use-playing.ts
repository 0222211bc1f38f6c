import { useEffect } from 'preact/hooks'

import type { Store } from '../model/store.ts'
import { useDerived } from './hooks.ts'

/** The shortest time between two pictures, in milliseconds: each of them changes the whole page. */
const TICK = 50

/** Plays a recording on while it is to be played. */
export function usePlaying(store: Store): void {
  const isPlaying = useDerived(store, () => store.playback?.isPlaying ?? false)
  useEffect(() => {
    if (!isPlaying) return undefined
    let last = performance.now()
    let request = requestAnimationFrame(function next(now) {
      if (now - last >= TICK) {
        store.playback?.advance(now - last)
        last = now
      }
      request = requestAnimationFrame(next)
    })
    return () => cancelAnimationFrame(request)
  }, [store, isPlaying])
}
