import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

import { rooms } from '../../scripts/lint/rooms.mjs'

const root = fileURLToPath(new URL('../..', import.meta.url))
const architecture = read('ARCHITECTURE.md')
const table = architecture.slice(architecture.indexOf('| room |'), architecture.indexOf('## Journeys'))

describe.each(['ARCHITECTURE.md', 'CONTRIBUTING.md'])('%s', (document) => {
  test('names only files that exist', () => {
    const named = paths(read(document))
    expect(named.length).toBeGreaterThan(10)
    expect(named.filter((path) => !existsSync(join(root, path)))).toEqual([])
  })
})

test('describes each top folder in one line', () => {
  const described = [...table.matchAll(/^\| (`[^|]*`) \| (\S.*\S) \|$/gm)].flatMap(([, names = '']) => codes(names))
  const outermost = rooms.map(({ room }) => room).filter((room) => !rooms.some((each) => isWithin(room, each.room)))
  const inner = ['machines/policy']
  // Subfolders of the visualizer and single files are described with their parent folders.
  const expected = [...outermost, ...inner].filter((room) => room !== 'src/index.ts')
  expect(described.toSorted()).toEqual(expected.toSorted())
})

test('lists the folders in the order of the import rules', () => {
  const order = [...table.matchAll(/^\| `([^`]+)`/gm)].map(([, name]) => rooms.findIndex(({ room }) => room === name))
  expect(order).toEqual(order.toSorted((a, b) => a - b))
})

/** The paths in backticks. A name without a folder stands for a file beside the last one with a folder. */
function paths(markdown: string): string[] {
  let folder = ''
  return codes(markdown.replaceAll(/```[^]*?```/g, ''))
    .filter((code) => /^[\w./-]+\.(ts|mjs|md)$|^[\w-]+\/[\w./-]+$/.test(code) && !code.startsWith('xstate-mqtt/'))
    .map((code) => {
      if (!code.includes('/') && !existsSync(join(root, code))) return join(folder, code)
      folder = code.includes('.') ? dirname(code) : code
      return code
    })
}

function codes(markdown: string): string[] {
  return [...markdown.matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code)
}

function isWithin(room: string, other: string): boolean {
  return room !== other && room.startsWith(`${other}/`)
}

function read(file: string): string {
  return readFileSync(join(root, file), 'utf8')
}
