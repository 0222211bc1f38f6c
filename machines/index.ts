export type { ConnectionInput } from './config.ts'
export { connectionHealth, type ConnectionHealth, type HealthReason, type HealthSnapshot } from './connection/health.ts'
export { connectionMachine } from './connection/machine.ts'
export type {
  ConnectionCommand,
  ConnectionContext,
  ConnectionEmitted,
  ConnectionEvent,
  ConnectionTag,
  RefreshedCredentials,
  RefreshReason,
  ServerChosen,
  TransportCommand,
  TransportInput,
} from './connection/types.ts'
export { withConfig } from './connection/persistable.ts'
export { periodicRequestMachine } from './periodic-request.ts'
export type { ServerHealth } from './policy/servers.ts'
export type {
  PeriodicRequestContext,
  PeriodicRequestEvent,
  PeriodicRequestInput,
  RequestInput,
} from './periodic-request.ts'
export { defaultResubscribe, subscriptionsMachine } from './subscriptions.ts'
export type { SubscriptionsContext, SubscriptionsEvent, SubscriptionsInput, SyncInput } from './subscriptions.ts'
export { connectionConfig, DEFAULT_REFRESH_BEFORE, defaultTimeouts } from './config.ts'
export { needsCredentials, mayRecover } from './connection/guards.ts'
export { backoffCeiling, backoffDelay, clampDelay, expectedDelay, laterDelay, MAX_DELAY } from './policy/backoff.ts'
export { classify, objectsToPacket } from './policy/classify.ts'
export {
  defaultReconnect,
  exponentialRecovery,
  recoveryStrategies,
  recreateClient,
  refreshAndRecreate,
  simpleRetry,
} from './policy/recovery.ts'
