import type { Band } from './types.ts'

/** The states of an actor, oldest first. */
interface Course {
  readonly bands: readonly Band[]
}

/** The share of the known time in which an actor was online, up to a moment. */
export function uptimeOf({ bands }: Course, now: number): { readonly ratio: number; readonly of: number } | null {
  const first = bands[0]
  if (!first || now <= first.start) return null
  let online = 0
  for (const [index, band] of bands.entries()) {
    if (band.family !== 'online') continue
    const end = Math.min(now, bands[index + 1]?.start ?? now)
    online += Math.max(0, end - band.start)
  }
  return { ratio: online / (now - first.start), of: now - first.start }
}

export interface Outage {
  readonly start: number
  /** `null` while it lasts. */
  readonly end: number | null
  readonly seq: number
}

type Begun = Pick<Outage, 'start' | 'seq'>

/**
 * The times without a connection although one was wanted, oldest first. If an attempt replaces a connection, for example
 * to use new credentials, it does not count as an outage if it succeeds.
 */
export function outagesOf({ bands }: Course): Outage[] {
  const outages: Outage[] = []
  let open: Begun | null = null
  let replacing: Begun | null = null
  let wasOnline = false
  for (const { family, start, state, seq } of bands) {
    const online = family === 'online'
    // A stopped actor has the family `resting`, whatever its last state was.
    const wanted = family !== 'resting' && !state.startsWith('disconnecting')
    if (online || !wanted) {
      if (open) outages.push({ ...open, end: start })
      open = null
      replacing = null
    } else if (!open && wasOnline && state === 'connecting') {
      replacing = { start, seq }
    } else if (!open && (wasOnline || /^(reconnecting|failed|recovering)/.test(state))) {
      open = replacing ?? { start, seq }
    }
    wasOnline = online
  }
  if (open) outages.push({ ...open, end: null })
  return outages
}
