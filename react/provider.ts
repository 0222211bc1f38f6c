import { createElement, type ReactNode, useEffect, useInsertionEffect, useMemo, useState } from 'react'

import { InvalidOptionError, type ResilientMqttClient, type ResilientMqttClientOptions } from '../src/index.ts'
import { ClientOwner } from './client-owner.ts'
import { createScope, ScopeContext } from './context.ts'

/** The client, or the options of one, and what may use it. */
export type MqttProviderProps = { readonly children?: ReactNode } & (
  | {
      /** A client of yours. The provider neither connects nor disconnects it. */
      readonly client: ResilientMqttClient
      readonly options?: undefined
    }
  | {
      /**
       * Options for a client of the provider, or a function that returns them. They are read once: give the provider another
       * `key` to replace the client.
       */
      readonly options: ResilientMqttClientOptions | (() => ResilientMqttClientOptions)
      readonly client?: undefined
    }
)

/**
 * Gives a client to the hooks below it. With `options`, the provider has a client of its own: it connects when the
 * provider is mounted, disconnects while `<Activity>` hides it, and is disposed when the provider is unmounted. Nothing
 * connects on a server.
 *
 * @throws {InvalidOptionError} if an option is wrong, or there is neither `client` nor `options`, or both
 */
export function MqttProvider({ client, options, children }: MqttProviderProps): ReactNode {
  if (client && !options) return createElement(ScopeProvider, { client }, children)
  if (options && !client) return createElement(OwningProvider, { options }, children)
  throw new InvalidOptionError('MqttProvider', 'needs either client or options')
}

interface OwningProviderProps {
  readonly options: ResilientMqttClientOptions | (() => ResilientMqttClientOptions)
  readonly children?: ReactNode
}

function OwningProvider({ options, children }: OwningProviderProps): ReactNode {
  const [owner] = useState(() => new ClientOwner(typeof options === 'function' ? options() : options))
  // `<Activity>` ends all other effects when it hides the component. This one ends only with the component.
  useInsertionEffect(() => owner.existence.use(), [owner])
  useEffect(() => owner.connection.use(), [owner])
  return createElement(ScopeProvider, { client: owner.client }, children)
}

function ScopeProvider({ client, children }: { readonly client: ResilientMqttClient; readonly children?: ReactNode }) {
  const scope = useMemo(() => createScope(client), [client])
  return createElement(ScopeContext.Provider, { value: scope }, children)
}
