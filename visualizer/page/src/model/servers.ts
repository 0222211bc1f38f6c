import type { Fields } from '../../../shared/json.ts'
import { countdown, shortDelay, shown } from './format.ts'
import { fields, number } from './state.ts'
import { failureWords } from './words.ts'

/** One server of a connection's list, in words. */
export interface ServerRow {
  readonly name: string
  readonly state: 'in use' | 'cooling down' | 'available'
  /** What an operator has to know about it. */
  readonly detail: string
}

const MAX_SERVERS = 50

/**
 * The servers of a connection, as the context of its machine has them. Empty if there is nothing to choose: a single server
 * that refers to no other one.
 */
export function serverRows(context: Fields, now: number): ServerRow[] {
  const servers = Array.isArray(context.servers) ? context.servers.slice(0, MAX_SERVERS).map(fields) : []
  const choice = fields(context.server)
  const redirect = typeof choice.redirect === 'string' ? choice.redirect : null
  if (servers.length < 2 && redirect === null && typeof servers[0]?.movedTo !== 'string') return []
  const current = redirect === null && context.transport === true ? choice.current : null
  const rows = servers.map((server): ServerRow => {
    const coolingUntil = number(server.coolingUntil) ?? 0
    const idle = coolingUntil > now ? 'cooling down' : 'available'
    return {
      name: shown(server.server, 100),
      state: typeof current === 'string' && server.server === current ? 'in use' : idle,
      detail: details(server, coolingUntil - now).join(', '),
    }
  })
  if (redirect === null) return rows
  return [{ name: shown(redirect, 100), state: 'in use', detail: 'the server referred to it' }, ...rows]
}

function details(server: Fields, cooling: number): string[] {
  const failures = number(server.failures) ?? 0
  const connectTime = number(server.connectTime)
  const said = failureWords(server.lastFailure)
  return [
    `priority ${number(server.priority) ?? 0}`,
    typeof server.movedTo === 'string' ? `moved to ${shown(server.movedTo, 100)}` : '',
    cooling > 0 ? `${countdown(cooling)} left` : '',
    failures > 0 ? `${failures} ${failures === 1 ? 'failure' : 'failures'}` : '',
    connectTime === null ? '' : `connected in ${shortDelay(connectTime)}`,
    said && `last failure: ${said}`,
  ].filter((each) => each !== '')
}
