import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

import { connectionDiagram } from '../../cli/diagram.ts'
import { defaultReconnect, defaultTimeouts, exponentialRecovery } from '../../machines/index.ts'
import { defaultInbox, defaultOutbox, defaultQuarantine } from '../../src/config/defaults.ts'
import * as library from '../../src/index.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const pages = ['machine', 'options', 'events', 'errors'].map((name) => read(`docs/${name}.md`)).join('\n')

test('the diagram is current: npm run diagram', () => {
  expect(section('diagram')).toContain(`\n\`\`\`mermaid\n${connectionDiagram()}\n\`\`\`\n`)
})

describe('options', () => {
  const rows = tableRows(section('options'))
  const documented = rows.flatMap(([names]) => codes(names))

  test.each(propertiesOf('src/api/options.ts', 'ResilientMqttClientOptions').concat(policies()))('%s', (name) => {
    expect(documented.some((each) => each === name || each.startsWith(`${name}.`))).toBe(true)
  })

  test.each(propertiesOf('src/api/options.ts', 'ConnectOptions'))('options.%s', (name) => {
    const connect = tableRows(section('options').split('How to connect')[1] ?? '').flatMap(([names]) => codes(names))
    expect(connect).toContain(name)
  })

  const { rate, ...bounds } = defaultOutbox
  const groups = {
    reconnect: defaultReconnect,
    recovery: exponentialRecovery,
    timeouts: defaultTimeouts,
    outbox: bounds,
    'outbox.rate': rate,
    inbox: defaultInbox,
    quarantine: defaultQuarantine,
  }
  const defaults = Object.entries(groups).flatMap(([group, values]) =>
    Object.entries(values).map(([name, value]) => [`${group}.${name}`, value] as const),
  )
  test.each(defaults)('%s is %j', (name, value) => {
    const [, told = ''] = rows.find(([names]) => codes(names).includes(name)) ?? []
    expect(codes(told)[0]?.replaceAll(/[_']/g, '')).toBe(String(value))
  })

  test('the tables contain no other options', () => {
    const known = new Set([
      ...propertiesOf('src/api/options.ts', 'ResilientMqttClientOptions'),
      ...propertiesOf('src/api/options.ts', 'ConnectOptions'),
      ...policies(),
      ...defaults.map(([name]) => name),
    ])
    expect(documented.filter((name) => !known.has(name))).toEqual([])
  })
})

describe('events', () => {
  const rows = tableRows(section('events'))

  test('all of them', () => {
    expect(rows.map(([name]) => codes(name)[0])).toEqual(propertiesOf('src/api/events.ts', 'ClientEvents'))
  })
})

describe('errors', () => {
  test('all of them', () => {
    const errors = Object.keys(library).filter((name) => name.endsWith('Error') && name !== 'ResilientMqttError')
    const documented = tableRows(section('errors')).map(([name]) => codes(name)[0])
    expect(new Set(documented)).toEqual(new Set(errors))
  })
})

function read(file: string): string {
  return readFileSync(join(root, file), 'utf8')
}

/** What stands between the markers of a name. */
function section(name: string): string {
  const found = new RegExp(`<!-- ${name}\\b.*?-->([^]*?)<!-- /${name} -->`).exec(pages)
  return found?.[1] ?? ''
}

/** The cells of the rows of all tables, without their headings. */
function tableRows(text: string): string[][] {
  const lines = text.split('\n').map((line) => (line.startsWith('|') ? line.slice(2, -2).split(' | ') : null))
  return lines.filter((cells, index): cells is string[] => {
    const heading = lines[index + 1]?.every((cell) => /^-+$/.test(cell)) ?? false
    return cells !== null && !heading && !cells.every((cell) => /^-+$/.test(cell))
  })
}

function codes(text = ''): string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map(([, code]) => code ?? '')
}

/** The names of an interface's own properties. */
function propertiesOf(file: string, name: string): string[] {
  const [, body = ''] = new RegExp(`interface ${name}\\b[^]*?\\{\\n([^]*?)\\n\\}`).exec(read(file)) ?? []
  return [...body.matchAll(/^ {2}(?:readonly )?(\w+)\??: /gm)].map(([, property]) => property ?? '')
}

/** What the client's options share with the machine's input. */
function policies(): string[] {
  const [, names = ''] = /type Policies = Pick<\s*ConnectionInput,([^>]*)>/.exec(read('src/api/options.ts')) ?? []
  return [...names.matchAll(/'(\w+)'/g)].map(([, name]) => name ?? '')
}
