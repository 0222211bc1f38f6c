import { expect, test } from 'vitest'
import type { AnyStateMachine } from 'xstate'

import { connectionMachine, periodicRequestMachine, subscriptionsMachine } from '../../machines/index.ts'
import { size, type Box, type EdgeLayout, type Point } from '../../visualizer/chart/layout.ts'
import { ourCommands, ourLayout } from '../../visualizer/chart/library-machines.ts'
import { chartOf } from '../../visualizer/chart/model.ts'

// `npm run check:layouts` checks that the layouts are current.

test.each([connectionMachine, subscriptionsMachine, periodicRequestMachine])(
  'the layout of the machine $id contains each of its states and edges',
  (machine) => {
    const { chart, layout } = laidOut(machine)
    for (const { id } of chart.nodes) expect(layout.nodes).toHaveProperty([id])
    for (const { id } of chart.edges) expect(layout.edges).toHaveProperty([id, 'points', 1])
  },
)

test('each edge of the connection machine begins and ends at the border of its states', () => {
  const { chart, layout } = laidOut(connectionMachine)
  for (const { id, source, target } of chart.edges) {
    const { points = [] } = layout.edges[id] ?? {}
    const ends = [onBorder(points[0], layout.nodes[source]), onBorder(points.at(-1), layout.nodes[target])]
    expect({ id, ends }).toEqual({ id, ends: [true, true] })
  }
})

test.each([connectionMachine, subscriptionsMachine])(
  'no line, state or other label covers a label of the machine $id',
  (machine) => {
    const { chart, layout } = laidOut(machine)
    const labels = chart.edges.map(({ id }) => ({ id, box: textBox(layout.edges[id]) }))
    const lines = chart.edges.flatMap(({ id }) =>
      segments(layout.edges[id]?.points ?? []).map((box) => ({ id: `the line ${id}`, box })),
    )
    const states = chart.nodes.flatMap(({ id, compound }) =>
      // Labels can be inside a compound state, but not on its border.
      (compound ? border(layout.nodes[id]) : [layout.nodes[id]]).map((box) => ({ id, box })),
    )
    const covered = labels.flatMap((label) =>
      [...labels, ...lines, ...states]
        .filter(({ id, box }) => id !== label.id && overlap(label.box, box))
        .map(({ id }) => `${id} covers the label of ${label.id}`),
    )
    expect(covered).toEqual([])
  },
)

function laidOut(machine: Pick<AnyStateMachine, 'config'>) {
  const chart = chartOf(JSON.parse(JSON.stringify(machine.config)), ourCommands)
  const layout = chart && ourLayout(chart)
  if (!layout) throw new Error('no layout')
  return { chart, layout }
}

function onBorder(point: Point | undefined, box: Box | undefined): boolean {
  if (!point || !box) return false
  const [x, y] = [point[0] - box.x, point[1] - box.y]
  const inside = x >= -1 && y >= -1 && x <= box.width + 1 && y <= box.height + 1
  const near = Math.min(Math.abs(x), Math.abs(y), Math.abs(x - box.width), Math.abs(y - box.height))
  return inside && near <= 1
}

/** The box of a label without the space to its line. */
function textBox(edge: EdgeLayout | undefined): Box | undefined {
  if (!edge?.label) return undefined
  const { x, y, width, height } = edge.label
  return { x: x + size.labelGap, y, width: width - size.labelGap - 4, height }
}

/** The parts of a line, whose corners are right angles, as boxes without area. */
function segments(points: readonly Point[]): Box[] {
  return points.slice(1).map(([x, y], index) => {
    const [fromX, fromY] = points[index] ?? [x, y]
    return { x: Math.min(x, fromX), y: Math.min(y, fromY), width: Math.abs(x - fromX), height: Math.abs(y - fromY) }
  })
}

function border(box: Box | undefined): Box[] {
  if (!box) return []
  const { x, y, width, height } = box
  return segments([
    [x, y],
    [x + width, y],
    [x + width, y + height],
    [x, y + height],
    [x, y],
  ])
}

function overlap(one: Box | undefined, other: Box | undefined): boolean {
  if (!one || !other) return false
  const apartX = one.x >= other.x + other.width || other.x >= one.x + one.width
  const apartY = one.y >= other.y + other.height || other.y >= one.y + one.height
  return !apartX && !apartY
}
