import { useEffect } from 'react'

import type { ClientEvents } from '../src/index.ts'
import { callback } from '../src/shared/option-rules.ts'
import { useScope } from './context.ts'
import { useLatest } from './use-latest.ts'

/**
 * Calls a handler for each event of the client, while the component is mounted. Another handler in a later render takes the
 * place of the earlier one.
 *
 * @throws {MissingMqttProviderError} outside of an `MqttProvider`
 * @throws {InvalidOptionError} if there is no such event, or the handler is not a function
 */
export function useMqttEvent<Name extends keyof ClientEvents>(
  event: Name,
  handler: (event: ClientEvents[Name]) => unknown,
): void {
  const { client } = useScope('useMqttEvent')
  callback('handler', handler)
  const latest = useLatest(handler)
  useEffect(() => client.on(event, (emitted) => latest.current(emitted)), [client, event, latest])
}
