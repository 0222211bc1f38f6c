export type { AdmissionGate } from './admission-gate.ts'
export { ResilientMqttClient } from './client.ts'
export type { ClientQuarantine } from './client-quarantine.ts'
export type {
  ClientStatus,
  DisconnectOptions,
  EncodedPublishOptions,
  HandlerRetryOptions,
  InboxStatus,
  IterableSubscription,
  MessageHandler,
  OutboxStatus,
  PendingPublish,
  PeriodicRequestHandle,
  PeriodicRequestOptions,
  PublishOptions,
  RequestOptions,
  ResponseOptions,
  SubscribeOptions,
  Subscription,
  SubscriptionsStatus,
} from './client-types.ts'
export { binary, json, text } from './codec.ts'
export type { Codec, SchemaIssue, SchemaResult, StandardSchema } from './codec.ts'
export { createConnectionMachine } from './connection-machine.ts'
export type { ConnectionMachine } from './connection-machine.ts'
export { describeFailure } from './describe.ts'
export {
  ClientDisposedError,
  ConnectionFailedError,
  ConnectionLostError,
  DisconnectedError,
  InvalidCredentialsError,
  InvalidMessageError,
  InvalidOptionError,
  NotSupportedByBrokerError,
  OutboxOverflowError,
  PacketEncodingError,
  PoisonPacketError,
  PublishExpiredError,
  PublishRefusedError,
  PublishSupersededError,
  ResilientMqttError,
  StoreError,
  SubscriptionRefusedError,
  TimeoutError,
  UnsubscribedError,
} from './errors.ts'
export type { StoreProblem } from './errors.ts'
export type { LevelDatabase } from './durable/database.ts'
export type { ClientEvents, ConnectionState } from './events.ts'
export { createFleet } from './fleet.ts'
export type { Fleet, FleetEvent, FleetOptions, FleetStatus } from './fleet.ts'
export type { Logger } from './logger.ts'
export type {
  Clock,
  ConnectOptions,
  Credentials,
  CredentialsSource,
  InboxOptions,
  ResilientMqttClientOptions,
  SubscriptionsOptions,
  TlsOptions,
  WebSocketOptions,
  Will,
} from './options.ts'
export type { Stall } from './session/acknowledgements.ts'
export type { FailedMessage } from './session/inbox.ts'
export type { OutboxOptions } from './session/outbox.ts'
export type { PublishResult } from './session/publication.ts'
export type { QuarantinedPublish } from './session/quarantine.ts'
export type { QuarantineOptions } from './session/suspects.ts'
export type { Message, Payload, PublishProperties, Qos } from './types.ts'
export type { ConnectionCounters, RefreshReason } from '../machines/connection/types.ts'
export type { RedirectPolicy, Timeouts } from '../machines/config.ts'
export type { Disposition, Failure, ServerReason } from '../machines/failure.ts'
export type { BackoffPolicy, Jitter } from '../machines/policy/backoff.ts'
export type { ReconnectPolicy, RecoveryPolicy } from '../machines/policy/recovery.ts'
export {
  exponentialRecovery,
  recoveryStrategies,
  recreateClient,
  refreshAndRecreate,
  simpleRetry,
} from '../machines/policy/recovery.ts'
