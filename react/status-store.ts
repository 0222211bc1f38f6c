import type { ClientStatus, ResilientMqttClient } from '../src/index.ts'
import { share } from './share.ts'
import { Store } from './store.ts'

/** How often figures are read that change without an event, such as the size of the outbox, in milliseconds. */
const SAMPLING_INTERVAL = 1_000

/** The status of a client: read at each transition of its machine, and once a second, while a component shows it. */
export function createStatusStore(client: ResilientMqttClient): Store<ClientStatus> {
  let stop: (() => void) | undefined
  const store: Store<ClientStatus> = new Store({
    read: (previous) => share(previous, client.status),
    start: () => {
      stop = follow(client, () => store.changed())
    },
    stop: () => stop?.(),
  })
  return store
}

function follow(client: ResilientMqttClient, changed: () => void): () => void {
  let { actor } = client
  let watching = actor.subscribe({ next: changed, error: changed })
  const offs = [
    client.on('stateChanged', () => {
      changed()
      // An error inside the machine ends its actor, and another one takes its place.
      if (actor === client.actor) return
      watching.unsubscribe()
      actor = client.actor
      watching = actor.subscribe({ next: changed, error: changed })
    }),
    client.on('drained', changed),
  ]
  const sampling = setInterval(changed, SAMPLING_INTERVAL)
  return () => {
    clearInterval(sampling)
    for (const off of offs) off()
    watching.unsubscribe()
  }
}
