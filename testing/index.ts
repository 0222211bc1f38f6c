export { createEmbeddedBroker } from './embedded-broker.ts'
export type { EmbeddedBroker, EmbeddedBrokerOptions, PublishedMessage } from './embedded-broker.ts'
export { createFakeTransport } from './fake-transport.ts'
export type { FakeConnection, FakeTransport } from './fake-transport.ts'
export type { DisconnectFields, PacketOf, PublishFields as PublishOptions, ReceivedPacket } from './packets.ts'
export type {
  Action,
  Answer,
  AuthAnswer,
  AuthStep,
  Behaviour,
  Connack,
  Ending,
  Moment,
  MomentPacket,
  Respond,
  Script,
  ScriptedConnection,
  Step,
  StepAt,
} from './script.ts'
export { createReplay } from './replay/create-replay.ts'
export { ReplayError } from './replay/replayer.ts'
export type { ReplayedAnswers, ReplayedEvent, ReplayedMachine, ReplayOptions } from './replay/create-replay.ts'
export { createScriptedServer } from './scripted-server.ts'
export type { ScriptedServer, ScriptedServerOptions } from './scripted-server.ts'
export { runToNextRetry } from './run-to-next-retry.ts'
export type { RetryOptions } from './run-to-next-retry.ts'
export { createTestClock } from './test-clock.ts'
export type { TestClock, TestClockOptions, TestTimers } from './test-clock.ts'
export type { TlsCredentials } from './tls-credentials.ts'
export { createTokenAuthority } from './token-authority.ts'
export type { Token, TokenAuthority, TokenAuthorityOptions } from './token-authority.ts'
export type { WaitOptions } from './wait-for.ts'
