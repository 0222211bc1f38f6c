export type { AdmissionGate } from './api/admission-gate.ts'
export { ResilientMqttClient } from './client.ts'
export type { ClientQuarantine } from './messages/quarantine.ts'
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
} from './api/message-options.ts'
export { binary, json, text } from './api/codec.ts'
export type { Codec, SchemaIssue, SchemaResult, StandardSchema } from './api/codec.ts'
export { createConnectionMachine } from './embedded-machine.ts'
export type { ConnectionMachine } from './embedded-machine.ts'
export { describeFailure } from './api/describe-failure.ts'
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
} from './api/errors.ts'
export type { StoreProblem } from './api/errors.ts'
export type { LevelDatabase } from './store/database.ts'
export type { ClientEvents, ConnectionState } from './api/events.ts'
export { createFleet } from './fleet/fleet.ts'
export type { Fleet, FleetEvent, FleetOptions, FleetStatus } from './fleet/fleet.ts'
export type { Logger } from './api/logger.ts'
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
} from './api/options.ts'
export type { Stall } from './session/incoming/acknowledgements.ts'
export type { FailedMessage } from './session/incoming/inbox.ts'
export type { OutboxOptions } from './session/outgoing/outbox.ts'
export type { PublishResult } from './session/outgoing/publication.ts'
export type { QuarantinedPublish } from './session/outgoing/quarantine.ts'
export type { QuarantineOptions } from './session/outgoing/suspects.ts'
export type { Message, Payload, PublishProperties, Qos } from './api/message.ts'
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
