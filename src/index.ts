export type { AdmissionGate, AdmissionOutcome, AdmissionRequest } from './api/admission-gate.ts'
export type { Authentication, AuthenticationExchange, AuthenticationRequest } from './api/authentication.ts'
export type { Birth, BirthConnection, BirthPublishOptions } from './api/birth.ts'
export { ResilientMqttClient } from './client.ts'
export type { ClientQuarantine, QuarantinedPublish } from './api/quarantine.ts'
export type {
  DisconnectOptions,
  EncodedPublishOptions,
  HandlerRetryOptions,
  IterableSubscription,
  MessageHandler,
  PendingPublish,
  PeriodicRequestHandle,
  PeriodicRequestOptions,
  PublishOptions,
  PublishResult,
  RequestOptions,
  ResponseOptions,
  SubscribeOptions,
  Subscription,
} from './api/message-options.ts'
export type {
  BrokerStatus,
  ClientStatus,
  ConnectionState,
  InboxStatus,
  OutboxStatus,
  ServerStatus,
  SubscriptionsStatus,
  TrafficStatus,
} from './api/status.ts'
export {
  binary,
  type Codec,
  json,
  type SchemaIssue,
  type SchemaResult,
  type StandardSchema,
  text,
} from './api/codec.ts'
export { type ConnectionMachine, createConnectionMachine } from './embedded-machine.ts'
export { describeFailure } from './api/describe-failure.ts'
export {
  ClientDisposedError,
  ConnectionFailedError,
  ConnectionLostError,
  DisconnectedError,
  InvalidCredentialsError,
  InvalidMessageError,
  InvalidOptionError,
  MessageRefusedError,
  NotSupportedByBrokerError,
  OutboxOverflowError,
  PacketEncodingError,
  PoisonPacketError,
  PublishExpiredError,
  PublishRefusedError,
  PublishSupersededError,
  ResilientMqttError,
  StoreError,
  type StoreProblem,
  type SubscriptionLimit,
  SubscriptionRefusedError,
  TimeoutError,
  UnsubscribedError,
} from './api/errors.ts'
export type { LevelDatabase } from './api/level-database.ts'
export type { ClientEvents, FailedMessage, SessionLoss, SlowConsumer, Stall } from './api/events.ts'
export type { PacketEvent, PacketType } from './api/packet-event.ts'
export { createFleet, type Fleet, type FleetEvent, type FleetStatus } from './fleet/fleet.ts'
export type { CircuitState } from './fleet/circuit.ts'
export type { CircuitStatus } from './fleet/turnstile.ts'
export type { Health } from './api/health.ts'
export type { HealthReason } from '../machines/connection/health.ts'
export type { FileRecorderOptions, FunctionRecorderOptions, RecorderOptions } from './api/recorder.ts'
export type { FleetOptions } from './api/fleet-options.ts'
export type { FailoverOptions, ServerList, ServerOptions, ServersSource } from './api/servers.ts'
export type { Logger } from './api/logger.ts'
export type { Credentials, CredentialsSource } from './api/credentials.ts'
export type {
  ConnectOptions,
  InboxOptions,
  OutboxOptions,
  RateOptions,
  QuarantineOptions,
  ResilientMqttClientOptions,
  SubscriptionsOptions,
  TlsOptions,
  WebSocketOptions,
  Will,
} from './api/options.ts'
export type { Clock } from './api/clock.ts'
export type { DuplexStream, SocketSource, SocketTarget } from './api/socket.ts'
export type { WakeSignal } from './api/wake-signal.ts'
export type { Message, Payload, PublishProperties, Qos } from './api/message.ts'
export type { ConnectionCounters, RefreshReason } from '../machines/connection/types.ts'
export type { RedirectPolicy, Timeouts } from '../machines/config.ts'
export type { Disposition, Failure, ServerReason } from '../machines/failure.ts'
export type { BackoffPolicy, Jitter } from '../machines/policy/backoff.ts'
export {
  exponentialRecovery,
  type ReconnectPolicy,
  type RecoveryPolicy,
  recoveryStrategies,
  recreateClient,
  refreshAndRecreate,
  simpleRetry,
} from '../machines/policy/recovery.ts'
