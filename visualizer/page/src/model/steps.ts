import { activeIds, transitionKey, type Chart } from '../../../chart/model.ts'
import type { SnapshotMessage, TakenTransition } from '../../../protocol.ts'
import { contextOf, fields, number } from './state.ts'
import { failureWords } from './words.ts'

/** Whether it is the library's connection machine. */
export function isConnection(chart: Chart | null): boolean {
  return chart?.id === 'connection' && ['recovering', 'reconnecting', 'failed'].every((id) => hasNode(chart, id))
}

export function isOurs(chart: Chart): boolean {
  return (
    isConnection(chart) ||
    (chart.id === 'subscriptions' && hasNode(chart, 'subscriptions.deaf')) ||
    (chart.id === 'periodicRequest' && hasNode(chart, 'periodicRequest.due'))
  )
}

function hasNode({ nodes }: Chart, id: string): boolean {
  return nodes.some((node) => node.id === id)
}

/** The rows of the chart that belong to a step. If the feed has no transitions, these are the most likely rows. */
export function rowsOf(
  chart: Chart | null,
  transitions: readonly TakenTransition[],
  event: string,
  before: unknown,
  after: unknown,
): readonly string[] {
  if (!chart) return []
  if (transitions.length > 0) {
    return transitions.flatMap(
      ({ source, eventType, index }) => chart.paths[transitionKey(source, eventType, index)] ?? [],
    )
  }
  if (before === undefined || JSON.stringify(before) === JSON.stringify(after)) return []
  const was = activeIds(chart, before)
  const is = activeIds(chart, after)
  for (const [key, rows] of Object.entries(chart.paths)) {
    const [source = '', type] = key.split('|')
    if (type !== event || !(was.has(source) || source === chart.id)) continue
    const edge = chart.edges.find(({ rows: own }) => own.some(({ id }) => id === rows.at(-1)))
    if (edge && is.has(edge.target)) return rows
  }
  return []
}

/** The failure of a step, in words. */
export function failureOf(
  event: SnapshotMessage['event'],
  snapshot: SnapshotMessage['snapshot'],
  before: typeof snapshot | undefined,
): string {
  if (event.failure !== undefined) return failureWords(event.failure)
  const context = contextOf(snapshot)
  if (!before || context.failure === undefined) return ''
  return failures(context) > failures(contextOf(before)) ? failureWords(context.failure) : ''
}

function failures(context: ReturnType<typeof contextOf>): number {
  const { failedAttempts, interruptions, failedTokenRefreshes } = fields(context.counters)
  return (number(failedAttempts) ?? 0) + (number(interruptions) ?? 0) + (number(failedTokenRefreshes) ?? 0)
}
