import { expect, test } from 'vitest'
import { createMachine } from 'xstate'

import { connectionMachine, periodicRequestMachine, subscriptionsMachine } from '../../machines/index.ts'
import { ourCommands } from '../../visualizer/chart/library-machines.ts'
import { listingOf, type ListedTransition } from '../../visualizer/chart/listing.ts'
import { eventWords } from '../../visualizer/chart/model.ts'
import { toSvg } from '../../visualizer/chart/svg.ts'

const machines = [connectionMachine, subscriptionsMachine, periodicRequestMachine] as const

/** Each element with the attribute: its value, and the title inside of it. */
function titled(svg: string, attribute: string): Map<string, string> {
  const found = svg.matchAll(new RegExp(`<g [^>]*${attribute}="([^"]*)"[^>]*>(?:<title>([^<]*)</title>)?`, 'g'))
  return new Map([...found].map(([, id = '', title = '']) => [plain(id), plain(title)]))
}

function plain(text: string): string {
  return text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&amp;', '&')
}

const short = (id: string) => id.slice(id.lastIndexOf('.') + 1)

test.each(machines)('$id: every state is drawn, and tells each of its transitions', (machine) => {
  const { states, transitions } = listingOf(machine)
  const drawn = titled(toSvg(machine), 'data-state')
  const titles = (path: string | null) =>
    [...drawn].filter(([id]) => id === path || id === `${machine.id}${path === null ? '' : `.${path}`}`)
  for (const { id, description } of states) {
    // `connection.ready` is called `ready` in the machine.
    const title = titles(id)[0]?.[1] ?? drawn.get(short(id))
    expect(title, `of ${id}`).toContain(description)
  }
  expect(transitions.length).toBeGreaterThan(5)
  for (const { source, event, guard, target, actions } of transitions) {
    const title = titles(source)[0]?.[1] ?? drawn.get(short(source ?? '')) ?? ''
    const line = title
      .split(/\n|: /)
      .find(
        (candidate) =>
          candidate.startsWith(eventWords(event)) &&
          (guard === null ? !candidate.includes('[') : candidate.includes(`[${guard}]`)) &&
          (target === null || candidate.includes('→')) &&
          (target === null || candidate.includes(short(target))) &&
          actions.every((action) => candidate.includes(action)),
      )
    expect(line, `${source} ${event} [${guard}] → ${target}`).toBeDefined()
  }
})

test.each(machines)('$id: every transition between states is an arrow, or a tag', (machine) => {
  const svg = toSvg(machine)
  const ends = [...titled(svg, 'data-edge').keys()].map((arrow) => arrow.split('→') as [string, string])
  const same = (id: string, path: string) => id === path || id.endsWith(`.${path}`) || id === short(path)
  const isArrow = (source: string, target: string) =>
    ends.some(([from, to]) => same(from, source) && same(to, target)) ||
    ends.some(([from, choice]) => same(from, source) && ends.some(([via, to]) => via === choice && same(to, target)))
  const between = listingOf(machine).transitions.filter(
    (each): each is ListedTransition & { source: string; target: string } =>
      each.source !== null && each.target !== null && !ourCommands.includes(each.event),
  )
  for (const { source, event, target } of between) expect(isArrow(source, target), `${source} ${event}`).toBe(true)
  for (const { source, event } of listingOf(machine).transitions) {
    if (source !== null && ourCommands.includes(event)) expect(svg).toContain(`>${event}</text>`)
  }
})

test('it is one well-formed picture, with a name, for light and dark, that loads nothing', () => {
  const svg = toSvg(connectionMachine)
  expect(svg).toBe(toSvg(connectionMachine))
  expect(svg).toMatch(
    /^<svg [^>]*role="img" aria-labelledby="chart-title chart-description">\n<title id="chart-title">/,
  )
  expect(svg).toContain('prefers-color-scheme: dark')
  expect(svg.replace('xmlns="http://www.w3.org/2000/svg"', '')).not.toMatch(/https?:|url\(|<script|NaN|undefined/)
  const open: string[] = []
  for (const [, end, name = '', empty] of svg.matchAll(/<(\/?)([a-z]+)(?:\s[a-zA-Z:-]+="[^"<>]*")*(\/?)>/g)) {
    if (end) expect(open.pop()).toBe(name)
    else if (!empty) open.push(name)
  }
  expect(open).toEqual([])
})

test('throws for a machine that has changed since its layout was computed', () => {
  const { config } = connectionMachine
  const changed = createMachine({ ...config, states: { ...config.states, sulking: {} } } as never)
  expect(() => toSvg(changed)).toThrow('run node scripts/layout-charts.mjs')
})
