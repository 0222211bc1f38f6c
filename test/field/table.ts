import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Reporter, TestCase, TestModule } from 'vitest/node'

const page = fileURLToPath(new URL('../../docs/brokers.md', import.meta.url))
const [begin, end] = ['<!-- field: UPDATE_DOCS=1 npm run test:field -->', '<!-- /field -->']

/**
 * Prints a table of what was seen: a row for each broker and proxy, a column for each scenario. With the environment variable
 * UPDATE_DOCS it also writes the table into docs/brokers.md.
 */
// oxlint-disable-next-line import/no-default-export -- vitest loads reporters by their default export
export default class TableReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const tables = modules.flatMap((module) => [...module.children.allTests()])
    const table = markdown(tables)
    console.log(`\n${table}\n`)
    if (process.env['UPDATE_DOCS']) update(table)
  }
}

function markdown(tests: readonly TestCase[]): string {
  const rows = new Map<string, Map<string, string[]>>()
  for (const test of tests) {
    const { field } = test.meta()
    if (!field) continue
    const row = rows.get(field.product) ?? new Map<string, string[]>()
    rows.set(field.product, row)
    row.set(field.scenario, [...(row.get(field.scenario) ?? []), cell(test)])
  }
  const sorted = [...rows].toSorted(([one], [other]) => one.localeCompare(other, 'en'))
  const columns = [...new Set(sorted.flatMap(([, row]) => [...row.keys()]))]
  const lines = sorted.map(([product, row]) => [product, ...columns.map((column) => merged(row.get(column)))])
  return [['', ...columns], columns.map(() => '---').concat('---'), ...lines]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n')
}

function cell(test: TestCase): string {
  const { state } = test.result()
  const { field } = test.meta()
  if (state === 'skipped') return 'skipped'
  const version = { 4: '3.1.1: ', 5: '5: ', auto: '' }[field?.protocolVersion ?? 'auto']
  const seen = field?.seen ?? 'failed'
  return version + (state === 'failed' ? `✗ ${seen}` : seen)
}

/** What was seen with each version of MQTT, or only once if it is the same. */
function merged(cells: readonly string[] = ['–']): string {
  const texts = new Set(cells.map((each) => each.replace(/^(3\.1\.1|5): /, '')))
  return cells.length > 1 && texts.size === 1 ? [...texts].join('') : cells.join('<br>')
}

function update(table: string): void {
  const text = readFileSync(page, 'utf8')
  const [from, to] = [text.indexOf(begin), text.indexOf(end)]
  if (from < 0 || to < 0) throw new Error(`docs/brokers.md has no markers ${begin} and ${end}`)
  writeFileSync(page, `${text.slice(0, from + begin.length)}\n\n${table}\n\n${text.slice(to)}`)
}
