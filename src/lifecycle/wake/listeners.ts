import { systemNow } from '../../../machines/system-defaults.ts'
import type { Clock } from '../../api/clock.ts'
import type { WakeSignal } from '../../api/wake-signal.ts'
import { monotonicTime, realClock } from '../../shared/clock.ts'
import { inNode } from '../../shared/in-node.ts'
import type { Listen } from './shared-signal.ts'
import { SleepDetector } from './sleep-detector.ts'

/** Real time. Its timers do not keep a process of Node alive. */
export const backgroundClock: Clock = {
  ...realClock,
  setTimeout: (callback, delay) => {
    const timer: { unref?: () => unknown } | number = setTimeout(callback, delay)
    if (typeof timer === 'object') timer.unref?.()
    return timer
  },
}

/** How to listen for a signal; `undefined` if it does not exist here. */
export function listenerFor(signal: WakeSignal): Listen | undefined {
  const page = typeof document === 'undefined' ? undefined : document
  switch (signal) {
    case 'online':
      return on(thisWindow(), signal)
    case 'pageshow':
      return on(thisWindow(), signal, (event) => (event as Partial<PageTransitionEvent>).persisted === true)
    case 'visibilitychange':
      return on(page, signal, () => page?.visibilityState === 'visible')
    case 'resume':
      return on(page, signal)
    case 'sleep':
      // A browser delays the timers of a hidden page for up to a minute.
      return page || !inNode() ? undefined : detectSleep
  }
}

/** The window of a page, or the global scope of a worker. */
function thisWindow(): Partial<EventTarget> {
  return globalThis
}

/** @param isWake - whether an event of that type counts */
function on(
  target: Partial<EventTarget> | undefined,
  type: string,
  isWake: (event: Event) => boolean = () => true,
): Listen | undefined {
  if (!target?.addEventListener) return undefined
  return (onSignal) => {
    const listener = (event: Event) => {
      if (isWake(event)) onSignal()
    }
    target.addEventListener?.(type, listener)
    return () => target.removeEventListener?.(type, listener)
  }
}

const detectSleep: Listen = (onWake) => {
  const clock = backgroundClock
  const detector = new SleepDetector({ clock, time: monotonicTime(clock, systemNow), now: systemNow, onWake })
  return () => detector.stop()
}
