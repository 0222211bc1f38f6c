import type { Jitter } from '../machines/policy/backoff.ts'
import {
  defaultReconnect,
  recoveryStrategies,
  type ReconnectPolicy,
  type RecoveryPolicy,
} from '../machines/policy/recovery.ts'
import { parseOptions } from '../src/config/parse-options.ts'
import { defineCommand, oneOf, UsageError, usageMessage, type Values } from './command.ts'
import { inSeconds, inWords, parseCount, parseDuration } from './duration.ts'
import { schedule, SHOWN_OF_UNLIMITED, type Schedule } from './schedule.ts'
import { print } from './shell.ts'
import { Terminal } from './terminal.ts'

const strategies = Object.keys(recoveryStrategies) as (keyof typeof recoveryStrategies)[]

const options = {
  attempts: { type: 'string', value: '<n>', description: 'number of attempts in the fast tier (10), or Infinity' },
  initial: { type: 'string', value: '<time>', description: 'its first delay (1s)' },
  multiplier: { type: 'string', value: '<x>', description: 'the factor from one delay to the next (2)' },
  max: { type: 'string', value: '<time>', description: 'its longest delay (120s)' },
  strategy: { type: 'string', value: '<name>', description: `of the recovery tier: ${strategies.join(', ')}` },
  cycles: { type: 'string', value: '<n>', description: 'number of cycles in the recovery tier (10), or Infinity' },
  'recovery-initial': { type: 'string', value: '<time>', description: 'its first delay (60s)' },
  'recovery-multiplier': { type: 'string', value: '<x>', description: 'the factor from one delay to the next (2)' },
  'recovery-max': { type: 'string', value: '<time>', description: 'its longest delay (300s)' },
  jitter: {
    type: 'string',
    value: '<name>',
    description: 'of both tiers: none, equal (the default), full or decorrelated',
  },
  json: { type: 'boolean', description: 'prints JSON, in milliseconds' },
} as const

/** The flags of the command line for the options of the library. */
const flags = {
  'reconnect.maxAttempts': '--attempts',
  'reconnect.initialDelay': '--initial',
  'reconnect.multiplier': '--multiplier',
  'reconnect.maxDelay': '--max',
  'reconnect.jitter': '--jitter',
  'recovery.maxAttempts': '--cycles',
  'recovery.initialDelay': '--recovery-initial',
  'recovery.multiplier': '--recovery-multiplier',
  'recovery.maxDelay': '--recovery-max',
  'recovery.jitter': '--jitter',
}

export const timeline = defineCommand({
  options,
  notes: 'Times are written as 250ms, 300s, 5m or 2h, or as a number of milliseconds.',
  run(values, _operands, shell) {
    const policies = policiesOf(values)
    const plan = { reconnect: schedule(policies.reconnect), recovery: schedule(policies.recovery) }
    if (values.json) print(shell, JSON.stringify(toJson(policies, plan), null, 2))
    else printTables(new Terminal(shell.stdout), policies, plan)
    return 0
  },
})

interface Policies {
  readonly reconnect: ReconnectPolicy
  readonly recovery: RecoveryPolicy
}

type Plan = { readonly [Tier in keyof Policies]: Schedule }

/** @throws {UsageError} */
function policiesOf(values: Values<typeof options>): Policies {
  const { strategy = 'exponentialRecovery', jitter } = values
  const both = given({ jitter: jitter as Jitter | undefined })
  const reconnect = {
    ...defaultReconnect,
    ...both,
    ...given({
      maxAttempts: read(values, 'attempts', parseCount),
      initialDelay: read(values, 'initial', parseDuration),
      multiplier: read(values, 'multiplier', parseNumber),
      maxDelay: read(values, 'max', parseDuration),
    }),
  }
  const recovery = {
    ...recoveryStrategies[oneOf('--strategy', strategy, strategies)],
    ...both,
    ...given({
      maxAttempts: read(values, 'cycles', parseCount),
      initialDelay: read(values, 'recovery-initial', parseDuration),
      multiplier: read(values, 'recovery-multiplier', parseNumber),
      maxDelay: read(values, 'recovery-max', parseDuration),
    }),
  }
  try {
    // The same rules as for a client.
    parseOptions({ url: 'mqtt://localhost', reconnect, recovery })
  } catch (error) {
    throw new UsageError(usageMessage(error, flags) ?? String(error))
  }
  for (const { maxAttempts } of [reconnect, recovery]) {
    if (maxAttempts > 10_000 && maxAttempts !== Number.POSITIVE_INFINITY) {
      throw new UsageError(`--attempts and --cycles must be at most 10000, or Infinity, got ${maxAttempts}`)
    }
  }
  return { reconnect, recovery }
}

function printTables(terminal: Terminal, { reconnect, recovery }: Policies, plan: Plan): void {
  const heading = (text: string, rest: string) => terminal.line(`${terminal.paint('bold', text)}  ${rest}`)

  heading('Fast tier', `${policyInWords(reconnect, 'attempt')}: reconnect with the current client and token`)
  printRows(terminal, 'attempt', plan.reconnect)
  terminal.line()
  const renewed = recovery.recreateClient ? 'recreate the client' : 'the same client'
  heading('Recovery tier', `${policyInWords(recovery, 'cycle')}: ${renewed}`)
  printRows(terminal, 'cycle', plan.recovery, (n) => {
    const { refreshTokenEvery } = recovery
    return refreshTokenEvery > 0 && n % refreshTokenEvery === 0 ? 'new token' : ''
  })
  terminal.line()
  terminal.line(conclusion(plan))
}

function printRows(terminal: Terminal, name: string, tier: Schedule, note: (n: number) => string = () => ''): void {
  const header = [name, 'ceiling', 'expected', 'cumulative'].map((title) => title.padStart(11)).join('')
  terminal.line(terminal.paint('dim', header))
  for (const { n, ceiling, expected, cumulative } of tier.rows) {
    const cells = [String(n), inSeconds(ceiling), inSeconds(expected), inSeconds(cumulative)]
    const row = cells.map((cell) => cell.padStart(11)).join('')
    terminal.line(`${row}   ${terminal.paint('cyan', note(n))}`.trimEnd())
  }
  if (tier.unlimited) return terminal.line(terminal.paint('dim', '          …  and so on, without end'))
  if (tier.rows.length === 0) return terminal.line(terminal.paint('dim', '       none'))
  const { expected, ceiling } = tier
  const atMost = expected === ceiling ? 'in total' : `expected, ${inSeconds(ceiling)} without jitter`
  terminal.line(`${' '.repeat(33)}${terminal.paint('bold', inSeconds(expected).padStart(11))} ${atMost}`)
}

function policyInWords(policy: ReconnectPolicy | RecoveryPolicy, name: string): string {
  const { maxAttempts, initialDelay, multiplier, maxDelay, jitter } = policy
  const unlimited = maxAttempts === Number.POSITIVE_INFINITY
  const count = unlimited ? `unlimited ${name}s` : `${maxAttempts} ${name}${maxAttempts === 1 ? '' : 's'}`
  const growth = multiplier === 1 ? inSeconds(initialDelay) : `${inSeconds(initialDelay)} × ${multiplier}ⁿ⁻¹`
  const cap = multiplier === 1 ? '' : ` up to ${inSeconds(maxDelay)}`
  return `${count}, ${growth}${cap}, jitter ${String(jitter)}`
}

function conclusion({ reconnect, recovery }: Plan): string {
  if (reconnect.unlimited) return 'It never gives up: the fast tier has no end, so recovery never begins.'
  const onAverage = reconnect.expected === reconnect.ceiling ? '' : ', on average'
  const fast = `Recovery begins after ${inWords(reconnect.expected)} of outage${onAverage}`
  if (recovery.unlimited) return `${fast}, and never ends.`
  return `${fast}; it gives up after ${inWords(reconnect.expected + recovery.expected)}.`
}

function toJson(policies: Policies, plan: Plan) {
  const tier = (policy: ReconnectPolicy | RecoveryPolicy, { rows, unlimited, expected, ceiling }: Schedule) => ({
    // JSON has no Infinity.
    policy: { ...policy, maxAttempts: unlimited ? 'Infinity' : policy.maxAttempts },
    rows,
    ...(unlimited ? { shown: SHOWN_OF_UNLIMITED } : { total: { ceiling, expected } }),
  })
  return {
    reconnect: tier(policies.reconnect, plan.reconnect),
    recovery: tier(policies.recovery, plan.recovery),
  }
}

function parseNumber(flag: string, text: string): number {
  const value = Number(text)
  if (text.trim() !== '' && Number.isFinite(value)) return value
  throw new UsageError(`${flag} must be a number, got '${text}'`)
}

type Flag = Exclude<keyof typeof options, 'json'>

function read<T>(values: Values<typeof options>, name: Flag, parser: (flag: string, text: string) => T): T | undefined {
  const text = values[name]
  return text === undefined ? undefined : parser(`--${name}`, text)
}

/** Removes undefined values, so that they do not replace defaults. */
function given<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as never
}
