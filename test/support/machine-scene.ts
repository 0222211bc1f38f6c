import { onTestFinished } from 'vitest'
import {
  createActor,
  fromCallback,
  fromPromise,
  type AnyEventObject,
  type InspectionEvent,
  type Snapshot,
} from 'xstate'

import type { ConnectionInput } from '../../machines/config.ts'
import type {
  ConnectionCommand,
  ConnectionEmitted,
  RefreshReason,
  TransportCommand,
  TransportInput,
} from '../../machines/connection/types.ts'
import type { Failure } from '../../machines/failure.ts'
import { connectionMachine, periodicRequestMachine, subscriptionsMachine, withConfig } from '../../machines/index.ts'
import type { SyncInput } from '../../machines/subscriptions.ts'
import { createFakeTransport, type FakeConnection } from '../../testing/fake-transport.ts'
import { createTestClock } from '../../testing/test-clock.ts'

export const START = Date.UTC(2024, 0, 1)

export const seconds = (n: number) => n * 1000
export const minutes = (n: number) => n * 60_000
export const hours = (n: number) => n * 3_600_000

export const busy: Failure = { kind: 'refused', protocolVersion: 5, reasonCode: 0x89 }
export const banned: Failure = { kind: 'refused', protocolVersion: 5, reasonCode: 0x8a }
export const notAuthorized: Failure = { kind: 'refused', protocolVersion: 5, reasonCode: 0x87 }
export const kicked: Failure = { kind: 'disconnected', reasonCode: 0x98 }
export const moved: Failure = { kind: 'refused', protocolVersion: 5, reasonCode: 0x9d, serverReference: 'other:1883' }
export const closed: Failure = { kind: 'closed' }

export interface TokenRequest {
  readonly reason: RefreshReason
  readonly at: number
  readonly aborted: boolean
  readonly settled: boolean
  /** @param lifetime - in milliseconds from now; `null`: the token does not say */
  resolve(lifetime?: number | null): void
  reject(error: Error): void
}

export interface SceneOptions {
  readonly input?: ConnectionInput
  /** Called for each connection. */
  readonly transport?: ((connection: FakeConnection) => void) | undefined
  /** Called for each refresh. */
  readonly refresh?: ((request: TokenRequest) => void) | undefined
  readonly sync?: ((round: SyncRound) => void) | undefined
  readonly request?: ((request: PeriodicTry) => void) | undefined
  /** Restores the machine from it; input is given to it by `withConfig`. */
  readonly snapshot?: Snapshot<unknown>
  /** The time at the start, in milliseconds since `START`. */
  readonly after?: number
  /** Replaces provided actors completely. */
  readonly actors?: Parameters<typeof connectionMachine.provide>[0]['actors']
  readonly actions?: Parameters<typeof connectionMachine.provide>[0]['actions']
}

/** One run of the `sync` actor: a SUBSCRIBE is out. */
export interface SyncRound extends SyncInput {
  readonly stopped: boolean
  progress(done: number, total: number): void
  settle(counts?: { wanted?: number; held?: number; refused?: number; retryable?: number; suspended?: number }): void
}

/** One periodic request that was sent. */
export interface PeriodicTry {
  readonly id: string
  readonly at: number
  readonly stopped: boolean
  sent(): void
  done(): void
  fail(): void
}

export type Told = ConnectionEmitted & { readonly at: number }

/** The machine on a test clock, with actors that do what the test says. With `random` 1 every delay is its ceiling. */
export function machineScene(options: SceneOptions = {}) {
  const clock = createTestClock({ now: START + (options.after ?? 0) })
  const transport = createFakeTransport(options.transport)
  const tokens: TokenRequest[] = []
  const rounds: SyncRound[] = []
  const requests: PeriodicTry[] = []
  const told: Told[] = []
  const path: string[] = []
  const inspected: InspectionEvent[] = []
  const errors: unknown[] = []

  const refreshToken = tokenSource(tokens, clock.now, options.refresh)
  const sync = fromCallback<AnyEventObject, SyncInput>(({ input, sendBack }) => {
    const round = syncRound(input, sendBack)
    rounds.push(round)
    if (options.sync) options.sync(round)
    else round.settle()
    return () => void (round.stopped = true)
  })
  const request = fromCallback<AnyEventObject, { readonly id: string }>(({ input, sendBack }) => {
    const sent = periodicTry(input.id, clock.now(), sendBack)
    requests.push(sent)
    if (options.request) options.request(sent)
    else sent.done()
    return () => void (sent.stopped = true)
  })

  const machine = connectionMachine.provide({
    actors: {
      transport: transport.logic,
      refreshToken,
      subscriptions: subscriptionsMachine.provide({ actors: { sync } }),
      periodicRequest: periodicRequestMachine.provide({ actors: { request } }),
      ...options.actors,
    },
    actions: { ...options.actions },
  })
  const input = { now: clock.now, random: () => 1, ...options.input }
  const actor = createActor(options.snapshot ? withConfig(machine, input) : machine, {
    clock,
    input,
    ...(options.snapshot && { snapshot: options.snapshot as never }),
    inspect: (event) => void inspected.push(event),
  })
  actor.on('*', (event) => told.push({ at: clock.now() - START, ...event }))
  actor.subscribe({
    next: (snapshot) => {
      const name = stateName(snapshot.value)
      if (path.at(-1) !== name) path.push(name)
    },
    error: (error) => errors.push(error),
  })
  actor.start()
  onTestFinished(() => void actor.stop())

  return {
    actor,
    clock,
    transport,
    tokens,
    rounds,
    requests,
    told,
    path,
    inspected,
    errors,
    get state() {
      return stateName(actor.getSnapshot().value)
    },
    get context() {
      return actor.getSnapshot().context
    },
    /** Since the start, in milliseconds. */
    get time() {
      return clock.now() - START
    },
    send: (event: ConnectionCommand | ConnectionCommand['type']) =>
      actor.send((typeof event === 'string' ? { type: event } : event) as ConnectionCommand),
    /** Sends events that normally only actors or XState send. */
    tell: (event: { type: string; [key: string]: unknown }) => actor.send(event as unknown as ConnectionCommand),
    /** The emitted events, by type. */
    heard: <Type extends ConnectionEmitted['type']>(type: Type) =>
      told.filter((event): event is Extract<Told, { type: Type }> => event.type === type),
  }
}

export type Scene = ReturnType<typeof machineScene>

/** A scene that is connected and ready. */
export async function readyScene(options: SceneOptions = {}, lifetime: number | null = null) {
  const s = machineScene(options)
  s.send('CONNECT')
  await settle()
  if (s.state === 'refreshingToken.offline') s.tokens.at(-1)?.resolve(lifetime)
  await settle()
  if (s.state === 'connecting') s.transport.current.open()
  await settle()
  return s
}

/** Lets promises settle; no time passes. */
export async function settle() {
  for (let n = 0; n < 12; n++) await Promise.resolve()
}

function stateName(value: unknown): string {
  if (typeof value === 'string') return value
  return Object.entries(value as Record<string, unknown>)
    .map(([parent, child]) => `${parent}.${stateName(child)}`)
    .join(' ')
}

/** A transport that reports nothing by itself, not even its close. */
export const muteTransport = fromCallback<TransportCommand, TransportInput>(() => {})

export class InvalidCredentialsError extends Error {
  override readonly name = 'InvalidCredentialsError'
}

function tokenSource(tokens: TokenRequest[], now: () => number, script?: (request: TokenRequest) => void) {
  return fromPromise<{ readonly expiresAt: number | null }, { reason: RefreshReason }>(
    ({ input, signal }) =>
      new Promise((resolve, reject) => {
        const state = { settled: false }
        const request: TokenRequest = {
          reason: input.reason,
          at: now() - START,
          get aborted() {
            return signal.aborted
          },
          get settled() {
            return state.settled
          },
          resolve: (lifetime = null) => {
            state.settled = true
            resolve({ expiresAt: lifetime === null ? null : now() + lifetime })
          },
          reject: (error) => {
            state.settled = true
            reject(error)
          },
        }
        tokens.push(request)
        script?.(request)
      }),
  )
}

function syncRound(input: SyncInput, sendBack: (event: AnyEventObject) => void) {
  return {
    ...input,
    stopped: false,
    progress: (done: number, total: number) => sendBack({ type: 'sync.progress', done, total }),
    settle: (
      counts: { wanted?: number; held?: number; refused?: number; retryable?: number; suspended?: number } = {},
    ) => sendBack({ type: 'sync.settled', wanted: 0, held: 0, refused: 0, retryable: 0, suspended: 0, ...counts }),
  }
}

function periodicTry(id: string, at: number, sendBack: (event: AnyEventObject) => void) {
  return {
    id,
    at: at - START,
    stopped: false,
    sent: () => sendBack({ type: 'request.sent' }),
    done: () => sendBack({ type: 'request.done' }),
    fail: () => sendBack({ type: 'request.failed' }),
  }
}
