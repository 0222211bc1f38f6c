import { createContext, useContext } from 'react'

import type { ClientStatus, ResilientMqttClient } from '../src/index.ts'
import { idleStatus } from './idle-status.ts'
import { MissingMqttProviderError } from './missing-provider-error.ts'
import { createStatusStore } from './status-store.ts'
import { Store } from './store.ts'

/** What a provider gives to the hooks below it. */
export interface Scope {
  readonly client: ResilientMqttClient
  readonly status: Store<ClientStatus>
  /** The status until React has hydrated the page of a server. */
  readonly idle: Store<ClientStatus>
}

export const ScopeContext = createContext<Scope | undefined>(undefined)

export function createScope(client: ResilientMqttClient): Scope {
  const status = idleStatus(client.name)
  return { client, status: createStatusStore(client), idle: new Store({ read: () => status }) }
}

/** @throws {MissingMqttProviderError} if there is no provider. @param hook - the name of the caller, for the error */
export function useScope(hook: string): Scope {
  const scope = useContext(ScopeContext)
  if (!scope) throw new MissingMqttProviderError(hook)
  return scope
}
