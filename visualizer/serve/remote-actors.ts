import type { HistoryMessage } from '../protocol.ts'
import type { Stay } from '../record/recorded.ts'
import { familyOf, stateOf } from '../shared/family.ts'

const MAX_ACTORS = 5_000

interface RemoteActor {
  name: string
  state: string
  /** Whether a transition led to a state since the last snapshot. */
  moved: boolean
}

/** What the server remembers of the actors of an app, to understand their next messages. */
export class RemoteActors {
  readonly #actors = new Map<string, RemoteActor>()

  nameOf(sessionId: string): string | undefined {
    return this.#actors.get(sessionId)?.name
  }

  /** Whether an actor begins, ends or enters a state with a message, and the state. As `Recorded.moves` and `stay`. */
  follow(message: HistoryMessage): { readonly moves: boolean; readonly stay?: Stay } {
    const actor = this.#actor(message)
    switch (message.type) {
      case '@xstate.actor':
        actor.name = message.name
        // A new machine has no state yet.
        return { moves: true, ...(message.snapshot.value !== undefined && this.#enter(actor, message)) }
      case '@xstate-mqtt.transition': {
        const moves = message.transitions.some(({ targets }) => targets.length > 0)
        actor.moved ||= moves
        return { moves }
      }
      case '@xstate.snapshot': {
        const moved = actor.moved || message.snapshot.status !== 'active'
        actor.moved = false
        const entered = this.#enter(actor, message)
        return { moves: moved || entered !== undefined, ...entered }
      }
      case '@xstate.event':
      case '@xstate-mqtt.stats':
        return { moves: false }
    }
  }

  #actor({ sessionId }: HistoryMessage): RemoteActor {
    const known = this.#actors.get(sessionId)
    if (known) return known
    if (this.#actors.size >= MAX_ACTORS) this.#actors.clear()
    const actor = { name: sessionId, state: '', moved: false }
    this.#actors.set(sessionId, actor)
    return actor
  }

  #enter(
    actor: RemoteActor,
    { snapshot, createdAt }: Extract<HistoryMessage, { readonly snapshot: unknown }>,
  ): { readonly stay: Stay } | undefined {
    const state = stateOf(snapshot)
    if (state === actor.state && snapshot.status === 'active') return undefined
    actor.state = state
    return { stay: { at: Number(createdAt), state, family: familyOf(snapshot) } }
  }
}
