import { describe, expect, test, vi } from 'vitest'

import type { WakeSignal } from '../../../src/api/wake-signal.ts'
import { listenerFor } from '../../../src/lifecycle/wake/listeners.ts'

/** The parts of a page that signals come from. */
function page() {
  const window = new EventTarget()
  const document = Object.assign(new EventTarget(), { visibilityState: 'visible' })
  vi.stubGlobal('addEventListener', window.addEventListener.bind(window))
  vi.stubGlobal('removeEventListener', window.removeEventListener.bind(window))
  vi.stubGlobal('document', document)
  return { window, document }
}

type Page = ReturnType<typeof page>

const pageshow = (persisted: boolean) => Object.assign(new Event('pageshow'), { persisted })

describe('in a page', () => {
  test.each<[WakeSignal, string, (page: Page) => void, number]>([
    ['online', 'there is a network', ({ window }) => window.dispatchEvent(new Event('online')), 1],
    ['online', 'there is none', ({ window }) => window.dispatchEvent(new Event('offline')), 0],
    ['visibilitychange', 'it is visible', ({ document }) => document.dispatchEvent(new Event('visibilitychange')), 1],
    [
      'visibilitychange',
      'it is hidden',
      ({ document }) => {
        document.visibilityState = 'hidden'
        document.dispatchEvent(new Event('visibilitychange'))
      },
      0,
    ],
    ['resume', 'it was frozen', ({ document }) => document.dispatchEvent(new Event('resume')), 1],
    ['pageshow', 'it comes from the cache', ({ window }) => window.dispatchEvent(pageshow(true)), 1],
    ['pageshow', 'it is new', ({ window }) => window.dispatchEvent(pageshow(false)), 0],
  ])('%s: %s', (signal, _, happen, times) => {
    const stubbed = page()
    const onSignal = vi.fn()
    const stop = listenerFor(signal)?.(onSignal)
    happen(stubbed)
    expect(onSignal).toHaveBeenCalledTimes(times)
    stop?.()
    stubbed.document.visibilityState = 'visible'
    happen(stubbed)
    expect(onSignal).toHaveBeenCalledTimes(times)
  })

  test('a sleep is not detected: the timers of a hidden page are late', () => {
    page()
    expect(listenerFor('sleep')).toBeUndefined()
  })
})

describe('in Node', () => {
  test.each<WakeSignal>(['online', 'visibilitychange', 'resume', 'pageshow'])('there is no %s', (signal) => {
    expect(listenerFor(signal)).toBeUndefined()
  })

  test('a sleep is detected by a timer that does not keep the process alive', () => {
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
    const before = timers()
    const stop = listenerFor('sleep')?.(() => {})
    expect(timers()).toBe(before)
    expect(stop).toBeTypeOf('function')
    stop?.()
  })
})
