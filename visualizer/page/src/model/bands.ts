import { placeOf } from './state.ts'
import type { Actor, Band } from './types.ts'

const MAX_BANDS = 20_000
const TRIM = 2_000

/**
 * Notes that an actor has entered a state. States come twice: with the past or the current state of the actor, which have
 * no entry, and with its messages, which may come later.
 *
 * @param most - how many states are kept
 */
export function enter(actor: Actor, entered: Omit<Band, 'attempt'>, most = MAX_BANDS): void {
  const { bands } = actor
  const last = bands.at(-1)
  // A clock that was set back must not put the current state into the past.
  if (last?.seq === 0 && entered.seq !== 0 && entered.start <= last.start) return complete(actor, entered)
  if (last?.state === entered.state && last.family === entered.family) return
  if (!last || placeOf(actor, last.state) !== placeOf(actor, entered.state)) actor.since = entered.start
  bands.push(bandOf(entered))
  if (bands.length > most) bands.splice(0, TRIM)
}

/** The state at a time; `undefined` before the first. */
export function bandAt(bands: readonly Band[], time: number): Band | undefined {
  return bands[placeAt(bands, time)]
}

/** Adds an entry to the states that are known without one. */
function complete(actor: Actor, entered: Omit<Band, 'attempt'>): void {
  const { bands } = actor
  const { start, state, seq } = entered
  const place = placeAt(bands, start)
  for (let index = place; bands[index]?.start === start; index--) {
    const band = bands[index]
    if (band?.state !== state || band.seq !== 0) continue
    band.seq = seq
    return
  }
  if (bands[place]?.state === state) return
  // The current state was reported before the message with which it began.
  const isNext = bands[place + 1]?.state === state && bands[place + 1]?.seq === 0
  bands.splice(place + 1, isNext ? 1 : 0, bandOf(entered))
  if (isNext && place + 2 === bands.length) actor.since = start
}

function bandOf(entered: Omit<Band, 'attempt'>): Band {
  return { ...entered, attempt: entered.state.split('.')[0] === 'connecting' }
}

/** How many states there were until a time. */
export function bandCountAt(bands: readonly Band[], time: number): number {
  return placeAt(bands, time) + 1
}

function placeAt(bands: readonly Band[], time: number): number {
  let low = 0
  let high = bands.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((bands[middle]?.start ?? Infinity) <= time) low = middle + 1
    else high = middle
  }
  return low - 1
}
