import { expect, test } from 'vitest'

import { problemsOf } from '../../measure/bench/check-figures.ts'
import { summarize } from '../../measure/bench/figures.ts'
import { rows } from '../../measure/bench/rows/index.ts'
import type { Contender, MetricRule } from '../../measure/bench/rows/row.ts'
import { selectRows, type Selection } from '../../measure/bench/select-rows.ts'
import { benchTable, speedTable } from '../../measure/bench/tables.ts'

type Rounds = Partial<Record<Contender, readonly number[]>>

function judge(rule: Partial<MetricRule>, rounds: Rounds) {
  const metrics = { m: { unit: 'ms', better: 'less', ...rule } as const }
  const measured = Object.entries(rounds).map(
    ([contender, values]) => [contender as Contender, values.map((m) => ({ m }))] as const,
  )
  return summarize({ what: '', metrics, cases: [] }, new Map(measured))['m']
}

test.each<[rule: Partial<MetricRule>, rounds: Rounds, target: string | null, met: boolean | null]>([
  [{ ratio: 1.1 }, { ours: [110], mqttjs: [100] }, '≤ 1.1 × MQTT.js', true],
  [{ ratio: 1.1 }, { ours: [111], mqttjs: [100] }, '≤ 1.1 × MQTT.js', false],
  [{ ratio: 0.97, better: 'more' }, { ours: [97], mqttjs: [100] }, '≥ 0.97 × MQTT.js', true],
  [{ ratio: 0.97, better: 'more' }, { ours: [96], mqttjs: [100] }, '≥ 0.97 × MQTT.js', false],
  // The median of the ratios of one round each, and not the ratio of the medians.
  [{ ratio: 1 }, { ours: [1, 30, 200], mqttjs: [2, 20, 300] }, '≤ 1 × MQTT.js', true],
  [{ ratio: 1 }, { ours: [3, 15, 400], mqttjs: [2, 20, 300] }, '≤ 1 × MQTT.js', false],
  [{ atMost: 15_360 }, { ours: [15_360] }, '≤ 15,360', true],
  [{ atMost: 15_360 }, { ours: [15_361] }, '≤ 15,360', false],
  [{ ratio: 1 }, { ours: [1], 'aws-crt': [2] }, null, null],
  [
    { ratio: 0.6, against: 'classic-level' },
    { ours: [7], mqttjs: [1], 'classic-level': [10] },
    '≤ 0.6 × classic-level',
    false,
  ],
  [
    { ratio: 0.6, against: 'classic-level' },
    { ours: [5], mqttjs: [1], 'classic-level': [10] },
    '≤ 0.6 × classic-level',
    true,
  ],
  [{}, { ours: [1], mqttjs: [2] }, null, null],
])('%j with %j: %s is met: %s', (rule, rounds, target, met) => {
  expect(judge(rule, rounds)).toMatchObject({ target, met })
})

test.each<[ours: readonly number[], problems: readonly string[]]>([
  [[1, 2], []],
  [[], ['bundle own is missing', 'bundle withDependencies is missing', 'bundle: ours is missing']],
  [
    [1, Number.NaN],
    ['bundle own of ours is not a number', 'bundle withDependencies of ours is not a number'],
  ],
])('what a report with %j lacks', (ours, problems) => {
  const { bundle } = rows
  const measured = ours.map((value) => ({ own: value, withDependencies: value }))
  const figures = bundle ? { bundle: { all: summarize(bundle, new Map([['ours', measured]])) } } : {}
  expect(problemsOf(figures, selectRows({ names: ['bundle'], contenders: ['ours'], full: false }))).toEqual(problems)
})

test('the table leaves out what another page shows', () => {
  const { bundle, recorder } = rows
  const all = summarize(
    { what: '', metrics: { m: { unit: 'ms', better: 'less' } }, cases: [] },
    new Map([['ours', [{ m: 1 }]]]),
  )
  const report = {
    day: '',
    quick: false,
    rounds: 1,
    machine: {},
    versions: {},
    rows: { recorder: { all }, bundle: { all } },
  }
  expect(benchTable(report)).toContain(recorder?.what)
  expect(benchTable(report)).not.toContain(bundle?.what)
})

test('a row that was not measured is reported, and each contender that is missing', () => {
  const selected = selectRows({ names: ['bundle'], contenders: ['ours', 'mqttjs'], full: false })
  expect(problemsOf({}, selected)).toEqual([
    'bundle own is missing',
    'bundle withDependencies is missing',
    'bundle: ours is missing',
    'bundle: mqttjs is missing',
  ])
})

test.each<[selection: Omit<Selection, 'names'>, cases: readonly string[]]>([
  [{ contenders: ['ours', 'mqttjs'], full: false }, ['64 B: ours mqttjs']],
  [{ contenders: ['mqttjs', 'loop'], full: false }, ['64 B: mqttjs']],
  [{ contenders: ['loop'], full: false }, []],
  [{ contenders: ['ours'], full: true }, ['64 B: ours', '16 B: ours', '4 KiB: ours', '256 KiB: ours']],
])('the cases of receive.qos1 with %j', (selection, cases) => {
  const selected = selectRows({ names: ['receive.qos1'], ...selection }).get('receive.qos1')?.cases ?? []
  expect(selected.map(({ name, contenders }) => `${name}: ${contenders.join(' ')}`)).toEqual(cases)
})

test('a case that this machine cannot measure is left out, and the reason is reported', () => {
  const measure = () => Promise.resolve({})
  const contenders = ['ours'] as const
  const cases = [
    { name: 'few', contenders, measure, missing: () => undefined },
    { name: 'many', contenders, measure, missing: () => 'too few files' },
    { name: 'even more', contenders, measure, full: true, missing: () => 'too few files' },
  ]
  const reported: string[] = []
  const onMissing = (name: string, reason: string) => reported.push(`${name}: ${reason}`)
  const from = { idle: { what: '', metrics: {}, cases } }
  const selected = selectRows({ names: ['idle'], contenders, full: false }, onMissing, from)
  expect(selected.get('idle')?.cases).toEqual([cases[0]])
  expect(reported).toEqual(['idle many: too few files'])
})

test('a case that only --full measures has no target', () => {
  const metrics = { m: { unit: 'ms', better: 'less', ratio: 1 } } as const
  const measured = new Map<Contender, { m: number }[]>([
    ['ours', [{ m: 1 }]],
    ['mqttjs', [{ m: 2 }]],
  ])
  const row = { what: '', metrics, cases: [] }
  expect(summarize(row, measured)['m']).toMatchObject({ met: true })
  expect(summarize(row, measured, false)['m']).toMatchObject({ target: null, met: null })
})

test.each([
  [100_000, '✓'],
  [99_999, '✗'],
])('the slowest policy at %i transitions a second: %s', (transitionsPerSecond, mark) => {
  const figures = {
    clients: 10,
    restored: 10,
    gaveUp: 0,
    peakDuringOutage: 1,
    peakConnectsPerSecond: 1,
    medianRestoredMs: 1,
    p99RestoredMs: 1,
    wastedAttempts: 0,
    wastedAfterOutage: 0,
  }
  const policies = {
    equal: { ...figures, transitionsPerSecond: 120_000 },
    none: { ...figures, transitionsPerSecond },
  }
  expect(speedTable([{ clients: 10, capacity: 1, policies }])).toContain(`≥ 100,000 ${mark} |`)
})
