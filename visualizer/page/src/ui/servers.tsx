import { serverRows } from '../model/servers.ts'
import { contextOf } from '../model/state.ts'
import type { Actor, Entry } from '../model/types.ts'
import { momentOf } from './header.tsx'

const families = { 'in use': 'online', 'cooling down': 'waiting', available: 'resting' } as const

/** The servers of a connection and their health. Shown only if there is a choice. */
export function Servers({ actor, at, now }: { actor: Actor; at: Entry | null; now: number; version: number }) {
  if (!actor.connection) return null
  const rows = serverRows(contextOf(momentOf(actor, at).snapshot), at?.time ?? now)
  if (rows.length === 0) return null
  return (
    <section class="servers" aria-label="Servers">
      <h2>Servers</h2>
      <ul>
        {rows.map(({ name, state, detail }) => (
          <li key={name} class={`server family-${families[state]}`}>
            <span class="dot" aria-hidden="true" />
            <span class="server-name">{name}</span> <span class="server-state">{state}</span>
            <small title={detail}>{detail}</small>
          </li>
        ))}
      </ul>
    </section>
  )
}
