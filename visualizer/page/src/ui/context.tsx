import type { Json } from '../../../protocol.ts'
import { isObject } from '../../../shared/json.ts'
import { entryAt } from '../model/entries.ts'
import { clockMs, shown } from '../model/format.ts'
import type { Actor, Entry } from '../model/types.ts'
import { eventTitle } from '../model/words.ts'

const MAX_FIELDS = 100
const MAX_DEPTH = 6

/** The context of an actor, now or at a past moment. The changes of the last step are marked. */
export function Context({ actor, at }: { actor: Actor; at: Entry | null; version: number }) {
  const entry = entryAt(actor, at)
  const snapshot = entry?.snapshot ?? (at ? null : actor.snapshot)
  const place = entry ? actor.entries.lastIndexOf(entry) : -1
  const before = place > 0 ? actor.entries[place - 1]?.snapshot.context : undefined
  const payload = entry ? Object.entries(entry.event).filter(([key]) => key !== 'type') : []
  return (
    <div class="context-body">
      {at && entry && (
        <div class="context-event">
          <h3>
            {eventTitle(entry.event)} <small>{clockMs(entry.time)}</small>
          </h3>
          {entry.failure && <p class="row-failure">{entry.failure}</p>}
          {payload.length > 0 && (
            <Value name="event" value={Object.fromEntries(payload) as Json} depth={0} before={undefined} />
          )}
        </div>
      )}
      <Fields context={snapshot ? snapshot.context : null} before={before} exists={snapshot !== null} />
    </div>
  )
}

interface FieldsProps {
  readonly context: Json | undefined
  readonly before: Json | undefined
  readonly exists: boolean
}

/** The fields of a context. Those that the last step changed come first. */
function Fields({ context, before, exists }: FieldsProps) {
  if (!exists) return <p class="empty">The actor did not exist then.</p>
  if (context === undefined || context === null) return <p class="empty">The actor has no context.</p>
  if (isObject(context) && Object.keys(context).length === 0) return <p class="empty">The actor has no context.</p>
  if (!isObject(context)) return <Value name="context" value={context} before={before} depth={0} />
  const old = isObject(before) ? before : context
  const isNew = (key: string) => JSON.stringify(old[key]) !== JSON.stringify(context[key])
  const keys = Object.keys(context)
  return (
    <>
      {[...keys.filter(isNew), ...keys.filter((key) => !isNew(key))].slice(0, MAX_FIELDS).map((key) => (
        <Value key={key} name={key} value={context[key]} before={old[key] ?? null} depth={1} />
      ))}
    </>
  )
}

interface ValueProps {
  readonly name: string
  readonly value: Json | undefined
  readonly before: Json | undefined
  readonly depth: number
}

function Value({ name, value, before, depth }: ValueProps) {
  const isTree = isObject(value) || Array.isArray(value)
  const changed = before !== undefined && JSON.stringify(before) !== JSON.stringify(value)
  if (!isTree || depth >= MAX_DEPTH) {
    return (
      <div class={changed ? 'value changed' : 'value'}>
        <span class="value-name">{shown(name, 60)}</span>{' '}
        <span class={`value-text ${value === null ? 'null' : typeof value}`}>{literal(value)}</span>
      </div>
    )
  }
  const entries = Object.entries(value as object) as [string, Json | undefined][]
  const old = (isObject(before) || Array.isArray(before) ? before : {}) as { readonly [key: string]: Json }
  return (
    <details class={changed ? 'value changed' : 'value'} open={depth === 0}>
      <summary>
        <span class="value-name">{shown(name, 60)}</span> <span class="value-text muted">{brief(value, entries)}</span>
      </summary>
      {entries.slice(0, MAX_FIELDS).map(([key, inner]) => (
        <Value
          key={key}
          name={key}
          value={inner}
          before={before === undefined ? undefined : (old[key] ?? null)}
          depth={depth + 1}
        />
      ))}
      {entries.length > MAX_FIELDS && <p class="empty">and {entries.length - MAX_FIELDS} more</p>}
    </details>
  )
}

function brief(value: unknown, entries: readonly [string, unknown][]): string {
  if (Array.isArray(value)) return `${entries.length} entries`
  return entries.length === 0 ? 'empty' : shown(entries.map(([key]) => key).join(', '), 48)
}

function literal(value: unknown): string {
  if (typeof value === 'string') return shown(value, 400)
  return value === undefined ? '—' : shown(JSON.stringify(value), 400)
}
