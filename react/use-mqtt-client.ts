import type { ResilientMqttClient } from '../src/index.ts'
import { useScope } from './context.ts'

/**
 * Returns the client of the nearest provider, for calls in effects and event handlers.
 *
 * @throws {MissingMqttProviderError} outside of an `MqttProvider`
 */
export function useMqttClient(): ResilientMqttClient {
  return useScope('useMqttClient').client
}
