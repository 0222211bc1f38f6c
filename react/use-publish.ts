import { useState } from 'react'

import type { PendingPublish, ResilientMqttClient } from '../src/index.ts'
import { useScope } from './context.ts'
import { Store, useStore } from './store.ts'
import { useLatest } from './use-latest.ts'

/** The publishes of a component. */
export interface PublishState {
  /** Publishes as `client.publish` does. The function is the same in each render. */
  readonly publish: ResilientMqttClient['publish']
  /** Whether a publish of the component is neither delivered nor rejected. During an outage it waits in the outbox. */
  readonly pending: boolean
  /** Why the last publish was rejected; `undefined` if it was not. */
  readonly error: Error | undefined
}

/**
 * Publishes, and shows whether that is under way or has failed. What was published is not withdrawn when the component is
 * unmounted. For publishes that the component does not show, use `useMqttClient().publish`, which causes no render.
 *
 * @throws {MissingMqttProviderError} outside of an `MqttProvider`
 */
export function usePublish(): PublishState {
  const { client } = useScope('usePublish')
  const latest = useLatest(client)
  const [store] = useState(() => createPublishStore(() => latest.current))
  return useStore(store)
}

function createPublishStore(client: () => ResilientMqttClient): Store<PublishState> {
  let count = 0
  let last: PendingPublish | undefined
  const publish = (...call: Parameters<ResilientMqttClient['publish']>) => {
    const publishing = client().publish(...call)
    count++
    last = publishing
    set(undefined)
    const settled = (error?: Error) => {
      count--
      // The component shows it. Otherwise, the client reports it with the event `publishFailed`.
      if (error && store.isUsed) publishing.catch(() => {})
      set(last === publishing ? error : state.error)
    }
    // Not the promise's own `then`, after which the client would take every rejection for handled.
    void Promise.prototype.then.call(publishing, () => settled(), settled)
    return publishing
  }
  let state: PublishState = { publish: publish as PublishState['publish'], pending: false, error: undefined }
  const set = (error: Error | undefined) => {
    state = { ...state, pending: count > 0, error }
    store.changed()
  }
  const store: Store<PublishState> = new Store({ read: () => state })
  return store
}
