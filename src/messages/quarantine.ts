import { InvalidOptionError } from '../api/errors.ts'
import type { ClientQuarantine } from '../api/quarantine.ts'
import type { Session } from '../session/session.ts'

export function clientQuarantine(session: Session): ClientQuarantine {
  return {
    list: () => session.quarantine?.list() ?? [],
    retry: (id) => session.quarantine?.retry(checked(id)) ?? false,
    drop: (id) => session.quarantine?.drop(checked(id)) ?? false,
  }
}

function checked(id: unknown): number {
  if (typeof id !== 'number') throw new InvalidOptionError('id', 'must be a number, as in quarantine.list()', id)
  return id
}
