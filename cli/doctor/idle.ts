import type { Failure } from '../../machines/failure.ts'
import { Interrupted, type Lab, within } from './lab.ts'

/** A connection for the idle check. */
export interface IdleConnection {
  /** Resolves when it ends by itself. */
  readonly ended: Promise<Failure>
  /** Sends a PINGREQ. @returns whether it was answered */
  ping(): Promise<boolean>
  close(): void
}

/** How long silent connections live. Times are in milliseconds. */
export interface Idle {
  /** The longest silence that a connection survived. */
  readonly survived: number
  /** The shortest silence that ended one. */
  readonly ended?: {
    readonly after: number
    /** `closed`: its end was seen, at that time. `dead`: it looked open, and nothing was answered any more. */
    readonly how: 'closed' | 'dead'
    readonly failure?: Failure
  }
  /** The longest silence that was tried. */
  readonly limit: number
  /** Set if a connection that was not silent ended as well, so that silence is not the cause. */
  readonly isUnclear?: true
  /** Set if the broker accepted no connection for this check. */
  readonly failure?: Failure
}

export const IDLE_LIMIT = 300_000

/** Shares of the limit that are tried side by side; with the usual limit from 15 s to 5 min. */
const FIRST_ROUND = [0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1]

/** The bisection ends when the result is as near as this. */
const ACCURACY = 0.05

/** How often the connection that is not silent sends a PINGREQ: more often than any timeout of idle connections. */
const BUSY = 1_000

type IdleLab = Pick<Lab, 'clock' | 'signal' | 'waiting'>

/**
 * Finds the silence after which something on the way ends a connection. Several silent connections are watched side by side.
 * If one of them looks open and is dead, a bisection between its silence and the longest that was survived follows, as long
 * as the whole takes no longer than the limit.
 *
 * @param open - opens a connection without keep alive
 */
export async function measureIdle(
  lab: IdleLab,
  open: () => Promise<IdleConnection | Failure>,
  limit = IDLE_LIMIT,
): Promise<Idle> {
  const begun = lab.clock.now()
  const control = await open()
  if ('kind' in control) return { survived: 0, limit, failure: control }
  const busy = keepBusy(lab, control)
  // All of them are shown as one wait.
  const hide = lab.waiting('the end of silent connections', limit)
  const quiet = { ...lab, waiting: () => () => {} }
  try {
    const first = await sideBySide(quiet, open, limit)
    const measured = await bisect(quiet, open, first, begun + limit)
    return measured.ended && busy.hasEnded() ? { ...measured, isUnclear: true } : measured
  } finally {
    hide()
    busy.stop()
  }
}

/** How one silent connection fared. */
type Fate = { readonly alive: true } | { readonly alive: false; readonly ended: NonNullable<Idle['ended']> } | Failure

async function sideBySide(lab: IdleLab, open: () => Promise<IdleConnection | Failure>, limit: number): Promise<Idle> {
  const others = new AbortController()
  const stop = () => others.abort()
  lab.signal.addEventListener('abort', stop, { once: true })
  const scoped = { ...lab, signal: others.signal }
  let idle: Idle = { survived: 0, limit }
  await Promise.all(
    FIRST_ROUND.map(async (share) => {
      const silence = Math.round(share * limit)
      const fate = await beSilent(scoped, open, silence).catch(() => undefined)
      if (!fate) return
      if ('kind' in fate) {
        idle = { ...idle, failure: fate }
      } else if (fate.alive) {
        idle = { ...idle, survived: Math.max(idle.survived, silence) }
      } else if (!idle.ended || fate.ended.after < idle.ended.after) {
        idle = { ...idle, ended: fate.ended }
        // A longer silence would end in the same way.
        others.abort()
      }
    }),
  )
  lab.signal.removeEventListener('abort', stop)
  if (lab.signal.aborted) throw new Interrupted()
  // They are told apart by what was seen: without any connection nothing is known.
  const { failure, ...seen } = idle
  return failure && idle.survived === 0 && !idle.ended ? idle : seen
}

async function bisect(
  lab: IdleLab,
  open: () => Promise<IdleConnection | Failure>,
  first: Idle,
  deadline: number,
): Promise<Idle> {
  let idle = first
  for (;;) {
    const { ended, survived } = idle
    // The end of the others was seen, so its time is known.
    if (ended?.how !== 'dead' || ended.after - survived <= ended.after * ACCURACY) return idle
    const silence = Math.round((survived + ended.after) / 2)
    if (lab.clock.now() + silence > deadline) return idle
    const fate = await beSilent(lab, open, silence)
    if ('kind' in fate) return idle
    idle = fate.alive ? { ...idle, survived: silence } : { ...idle, ended: fate.ended }
  }
}

async function beSilent(lab: IdleLab, open: () => Promise<IdleConnection | Failure>, silence: number): Promise<Fate> {
  const connection = await open()
  if ('kind' in connection) return connection
  const begun = lab.clock.now()
  try {
    const failure = await within(lab, `a silent connection`, silence, connection.ended)
    if (failure) return { alive: false, ended: { after: lab.clock.now() - begun, how: 'closed', failure } }
    if (await connection.ping()) return { alive: true }
    return { alive: false, ended: { after: silence, how: 'dead' } }
  } finally {
    connection.close()
  }
}

/** Sends a PINGREQ again and again, so that no silence can end this connection. */
function keepBusy({ clock }: IdleLab, connection: IdleConnection) {
  let ended = false
  let timer: unknown
  void connection.ended.then(() => (ended = true))
  const ping = () => {
    timer = clock.setTimeout(() => {
      connection.ping().then(ping, () => {})
    }, BUSY)
  }
  ping()
  return {
    hasEnded: () => ended,
    stop() {
      clock.clearTimeout(timer)
      connection.close()
    },
  }
}
