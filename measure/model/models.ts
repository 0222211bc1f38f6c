import type { ConnectionInput } from '../../machines/config.ts'
import { CHOICES, RESTART } from './environment.ts'

/** A configuration whose states are few enough to visit all. */
export interface Model {
  readonly name: string
  readonly input: ConnectionInput
  /** The steps that do not happen in it, by their labels. */
  readonly without?: readonly string[]
  /** Takes so long that no test visits it, but only `npm run model`. */
  readonly slow?: true
}

const base: ConnectionInput = {
  reconnect: { maxAttempts: 1 },
  recovery: { maxAttempts: 1, refreshTokenEvery: 1 },
  redirect: { allow: () => true, maxHops: 1 },
  refreshAfterCloses: 2,
}

const noRedirect: ConnectionInput = { redirect: { allow: () => false, maxHops: 0 } }

/** Small enough for each run of the tests. */
export const small: Model = {
  name: 'neither credentials nor gate, no redirect, no periodic request, no restart',
  input: { ...base, ...noRedirect, refreshAfterCloses: 0 },
  without: ['PERIODIC.START', RESTART, ...CHOICES],
}

export const models: readonly Model[] = [
  small,
  { name: 'neither credentials nor gate', input: base, without: CHOICES },
  {
    name: 'the same, with 2 attempts, cycles and hops',
    slow: true,
    input: {
      ...base,
      reconnect: { maxAttempts: 2 },
      recovery: { maxAttempts: 2 },
      redirect: { allow: () => true, maxHops: 2 },
    },
    without: CHOICES,
  },
  { name: 'a gate', input: { ...base, gated: true }, without: CHOICES },
  {
    name: 'two servers and a gate, no redirect, no periodic request, no restart, no suspicious closes',
    slow: true,
    input: {
      ...base,
      ...noRedirect,
      refreshAfterCloses: 0,
      gated: true,
      failover: { selection: 'ordered', failBackAfter: 0 },
    },
    without: ['PERIODIC.START', RESTART],
  },
  // A periodic request has nothing to do with credentials, and doubles the number of states.
  {
    name: 'credentials, no redirect, no periodic request',
    input: { ...base, ...noRedirect, canRefresh: true },
    without: ['PERIODIC.START', ...CHOICES],
  },
  {
    name: 'credentials and a gate, no redirect, no periodic request, no suspicious closes',
    slow: true,
    input: { ...base, ...noRedirect, refreshAfterCloses: 0, canRefresh: true, gated: true },
    without: ['PERIODIC.START', ...CHOICES],
  },
]
