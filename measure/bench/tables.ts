import type { Spread } from '../lab/statistics.ts'
import { rounded, type Figure, type Figures } from './figures.ts'
import { rows } from './rows/index.ts'

/** The report that `npm run bench -- --json` writes. */
export interface BenchReport {
  readonly day: string
  readonly quick: boolean
  /** The maximum; some rows need fewer rounds. */
  readonly rounds: number
  readonly machine: Readonly<Record<string, string | number>>
  readonly versions: Readonly<Record<string, string>>
  readonly rows: Figures
}

/** The report that `npm run storm -- --json` writes, as far as it is shown. */
export interface StormReport {
  readonly clients: number
  readonly capacity: number
  readonly policies: Readonly<Record<string, StormFigures>>
}

interface StormFigures {
  readonly clients: number
  readonly restored: number
  readonly gaveUp: number
  readonly peakDuringOutage: number
  readonly peakConnectsPerSecond: number
  readonly medianRestoredMs: number
  readonly p99RestoredMs: number
  readonly wastedAttempts: number
  readonly wastedAfterOutage: number
  readonly transitionsPerSecond: number
}

/** A complete report as Markdown. */
export function benchTable({ day, quick, rounds, machine, versions, rows: figures }: BenchReport): string {
  if (quick) throw new Error('The figures of --quick mean nothing and must not be published')
  const { cpu, cores, memory, platform } = machine
  const used = Object.entries(versions).map(([name, version]) => `${name} ${version}`)
  return [
    `Taken on ${day}, ${rounds} rounds: ${cpu}, ${cores} cores, ${memory}, ${platform}; ${used.join(', ')}.`,
    '',
    '| | ours | MQTT.js | ours ÷ MQTT.js | others (ours ÷ theirs) | target |',
    '| --- | --- | --- | --- | --- | --- |',
    ...Object.entries(figures).flatMap(([name, cases]) =>
      rows[name]?.isElsewhere
        ? []
        : [
            `| **${name}**: ${rows[name]?.what ?? ''} | | | | | |`,
            ...Object.entries(cases).flatMap(([each, metrics]) =>
              Object.entries(metrics).map(([metric, figure]) =>
                benchLine(each === 'all' ? metric : `${each}, ${metric}`, figure),
              ),
            ),
          ],
    ),
  ].join('\n')
}

/** The policies of one storm, as Markdown. */
export function stormTable({ clients, capacity, policies }: StormReport): string {
  return [
    `${count(clients)} clients, a broker that accepts ${count(capacity)} connections/s:`,
    '',
    '| policy | peak connects/s in the outage | after it | median | p99 | failed attempts | after the outage | gave up |',
    '| --- | --- | --- | --- | --- | --- | --- | --- |',
    ...Object.entries(policies).map(([name, policy]) => {
      const { peakConnectsPerSecond, medianRestoredMs, p99RestoredMs, wastedAttempts, wastedAfterOutage } = policy
      const figures = [
        count(policy.peakDuringOutage),
        count(peakConnectsPerSecond),
        seconds(medianRestoredMs),
        seconds(p99RestoredMs),
        count(wastedAttempts),
        count(wastedAfterOutage),
        count(policy.gaveUp),
      ]
      return `| \`${name}\` | ${figures.join(' | ')} |`
    }),
  ].join('\n')
}

/** The transitions per second that the simulation must reach with any number of clients. */
const FAST_ENOUGH = 100_000

/** The speed of the simulation, which is the only figure of a storm that depends on the machine. */
export function speedTable(reports: readonly StormReport[]): string {
  const names = [...new Set(reports.flatMap(({ policies }) => Object.keys(policies)))]
  return [
    `| transitions/s | ${names.map((name) => `\`${name}\``).join(' | ')} | target |`,
    `| --- | ${names.map(() => '---').join(' | ')} | --- |`,
    ...reports.map(({ clients, policies }) => {
      const speeds = names.map((name) => policies[name]?.transitionsPerSecond)
      const met = speeds.every((speed) => speed === undefined || speed >= FAST_ENOUGH)
      const cells = speeds.map((speed) => (speed === undefined ? '' : count(speed)))
      return `| ${count(clients)} clients | ${cells.join(' | ')} | ≥ ${count(FAST_ENOUGH)} ${met ? '✓' : '✗'} |`
    }),
  ].join('\n')
}

function benchLine(what: string, { unit, values, ratios, target, met }: Figure): string {
  const { ours, mqttjs, ...others } = values
  const rest = Object.entries(others).map(([contender, { median }]) => {
    const compared = ratios[contender] ? ` (${rounded(ratios[contender].median)})` : ''
    return `${contender} ${rounded(median)}${compared}`
  })
  const verdict = target === null ? '' : `${target} ${met ? '✓' : '✗'}`
  const columns = [
    `${what} (${unit})`,
    ours ? rounded(ours.median) : '',
    mqttjs ? rounded(mqttjs.median) : '',
    ratio(ratios['mqttjs']),
    rest.join(', '),
    verdict,
  ]
  return `| ${columns.join(' | ')} |`
}

function ratio(spread: Spread | undefined): string {
  return spread ? `${rounded(spread.median)} (${rounded(spread.min)} to ${rounded(spread.max)})` : ''
}

function count(value: number): string {
  return value.toLocaleString('en')
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`
}
