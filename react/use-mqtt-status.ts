import { useSelector } from '@xstate/react'
import { useSyncExternalStore } from 'react'

import type { ClientStatus } from '../src/index.ts'
import { callback } from '../src/shared/option-rules.ts'
import { useScope } from './context.ts'
import { isEqual } from './share.ts'

/**
 * Returns the status of the client, or what a selector takes from it. The component renders again only if that has changed;
 * arrays and plain objects are compared by their parts. State, attempt and cycle are up to date at once. Figures that change
 * without an event, such as `outbox` and `traffic`, are read every second.
 *
 * On a server, and until React has hydrated its page, the status is that of a client at rest.
 *
 * @throws {MissingMqttProviderError} outside of an `MqttProvider`
 * @throws {InvalidOptionError} if the selector is not a function
 */
export function useMqttStatus(): ClientStatus
export function useMqttStatus<Selected>(selector: (status: ClientStatus) => Selected): Selected
export function useMqttStatus(selector: (status: ClientStatus) => unknown = itself): unknown {
  const { status, idle } = useScope('useMqttStatus')
  callback('selector', selector)
  const isHydrated = useSyncExternalStore(neverChanges, yes, no)
  return useSelector(isHydrated ? status : idle, selector, isEqual)
}

function itself(status: ClientStatus): ClientStatus {
  return status
}

function neverChanges(): () => void {
  return () => {}
}

function yes(): boolean {
  return true
}

function no(): boolean {
  return false
}
