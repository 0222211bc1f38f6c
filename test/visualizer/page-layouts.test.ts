import { expect, test } from 'vitest'

import { connectionMachine, periodicRequestMachine, subscriptionsMachine } from '../../machines/index.ts'
import { ourCommands, ourLayout } from '../../visualizer/chart/library-machines.ts'
import { chartOf } from '../../visualizer/chart/model.ts'

// `npm run check:layouts` checks that the layouts are current.

test.each([connectionMachine, subscriptionsMachine, periodicRequestMachine])(
  '$id: everything has its place',
  (machine) => {
    const chart = chartOf(JSON.parse(JSON.stringify(machine.config)), ourCommands)
    const layout = chart && ourLayout(chart)
    if (!layout) throw new Error('no layout')
    for (const { id } of chart.nodes) expect(layout.nodes).toHaveProperty([id])
    for (const { id } of chart.edges) expect(layout.edges).toHaveProperty([id, 'points', 1])
  },
)

test('edges of the connection machine begin and end at their states', () => {
  const chart = chartOf(JSON.parse(JSON.stringify(connectionMachine.config)), ourCommands)
  const layout = chart && ourLayout(chart)
  if (!layout) throw new Error('no layout')
  for (const { id, source, target } of chart.edges) {
    const { points = [] } = layout.edges[id] ?? {}
    const ends = [onBorder(points[0], layout.nodes[source]), onBorder(points.at(-1), layout.nodes[target])]
    expect({ id, ends }).toEqual({ id, ends: [true, true] })
  }
})

type Point = readonly [number, number]
type Box = { readonly x: number; readonly y: number; readonly width: number; readonly height: number }

function onBorder(point: Point | undefined, box: Box | undefined): boolean {
  if (!point || !box) return false
  const [x, y] = [point[0] - box.x, point[1] - box.y]
  const inside = x >= -1 && y >= -1 && x <= box.width + 1 && y <= box.height + 1
  const near = Math.min(Math.abs(x), Math.abs(y), Math.abs(x - box.width), Math.abs(y - box.height))
  return inside && near <= 1
}
