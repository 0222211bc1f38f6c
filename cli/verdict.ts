import type { ConnectionState } from '../src/api/status.ts'
import { count } from './count.ts'
import type { Balance } from './ledger.ts'
import type { Terminal } from './terminal.ts'

/** The states of a complete outage, in this order. There may be other states between them. */
const EXPECTED: readonly ConnectionState[] = [
  'connected',
  'reconnecting',
  'failed',
  'recovering',
  'refreshingToken',
  'connecting',
  'connected',
  'disconnected',
]

/** The phases of the demo. */
export type Phase = 'before' | 'during' | 'after'

/** The result of an outage. */
export interface Outcome {
  /** The reason why it ended early. */
  readonly problem: string | undefined
  /** The states that the client went through. */
  readonly path: readonly ConnectionState[]
  readonly balance: Balance
  /** How often the periodic request was answered. */
  readonly answered: Readonly<Record<Phase, number>>
  readonly failedAttempts: number
  readonly cycles: number
  readonly tokens: number
}

/**
 * Prints the result of an outage.
 *
 * @returns the exit code: 0 if the client went through all states and no accepted message was lost
 */
export function summarize(terminal: Terminal, outcome: Outcome): number {
  const { balance, answered, failedAttempts, cycles, tokens } = outcome
  const { acceptedOffline, inOrder } = balance
  const problems = problemsOf(outcome)
  const good = problems.length === 0
  const row = (name: string, text: string) => terminal.line(`  ${terminal.paint('dim', name.padEnd(10))}${text}`)

  terminal.line()
  const title = good ? '✓ The client went through all states of an outage, without a restart' : '✕ Something went wrong'
  terminal.line(terminal.paint(['bold', good ? 'green' : 'red'], title))
  for (const each of problems) terminal.line(`  ${terminal.paint('red', each)}`)
  row('readings', inWords(balance))
  row('', `${acceptedOffline} of them accepted while offline; ${inOrder ? 'all in order' : 'not in order'}`)
  row(
    'requests',
    `${answered.before} answered before the outage, ${answered.during} during it, ${answered.after} after it`,
  )
  row(
    'attempts',
    [count(failedAttempts, 'failed attempt'), count(cycles, 'recovery cycle'), count(tokens, 'token')].join(', '),
  )
  return good ? 0 : 1
}

export function inWords({ accepted, delivered, lost, duplicate }: Balance): string {
  return `${accepted} accepted, ${delivered} delivered, ${lost} lost, ${duplicate} duplicate`
}

/** The first state of the outage that the client did not reach in its turn. */
export function missingState(path: readonly ConnectionState[]): ConnectionState | undefined {
  let from = 0
  return EXPECTED.find((state) => {
    const index = path.indexOf(state, from)
    from = index + 1
    return index === -1
  })
}

function problemsOf({ problem, path, balance, answered }: Outcome): string[] {
  const missing = missingState(path)
  return [
    problem,
    missing && `the client never reached ${missing}`,
    balance.lost > 0 && `lost: ${count(balance.lost, 'accepted reading')}`,
    !balance.inOrder && 'readings arrived out of order',
    answered.after === 0 && 'the periodic request did not run again',
  ].filter((each) => typeof each === 'string')
}
