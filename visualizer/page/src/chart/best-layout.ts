import { anywhereSize, commandsOf, labelSize, size, tagWidth } from '../../../chart/layout.ts'
import type { EdgeLayout, Box, Layout, Point } from '../../../chart/layout.ts'
import type { Chart, ChartEdge, ChartNode } from '../../../chart/model.ts'

/** The input of ELK, whose own types are looser. */
interface ElkInput {
  id: string
  layoutOptions: Record<string, string>
  children: ElkInputNode[]
  edges: ElkInputEdge[]
}

interface ElkInputNode {
  id: string
  width?: number
  height?: number
  layoutOptions?: Record<string, string>
  children?: ElkInputNode[]
}

interface ElkInputEdge {
  id: string
  sources: string[]
  targets: string[]
  labels: { id: string; text: string; width: number; height: number }[]
}

interface ElkOutput {
  readonly width?: number
  readonly height?: number
  readonly children?: readonly ElkOutputNode[]
  readonly edges?: readonly ElkOutputEdge[]
}

interface ElkOutputNode extends ElkOutput {
  readonly id: string
  readonly x?: number
  readonly y?: number
}

interface ElkOutputEdge {
  readonly id: string
  readonly container?: string
  readonly sections?: readonly { startPoint: XY; endPoint: XY; bendPoints?: readonly XY[] }[]
  readonly labels?: readonly { x?: number; y?: number; width?: number; height?: number }[]
}

interface XY {
  readonly x: number
  readonly y: number
}

/** Ways to lay out a chart. No way is the best one for all charts. */
const variants: readonly Record<string, string>[] = [
  {},
  { 'elk.direction': 'RIGHT' },
  { 'elk.layered.cycleBreaking.strategy': 'MODEL_ORDER' },
]

/** With more nodes and edges than this, a layout takes seconds. A quicker way gives a wider layout. */
const MANY = 60
const quick: typeof variants = [{ 'elk.layered.nodePlacement.strategy': 'BRANDES_KOEPF' }]

/** The space for a chart on a small desktop. */
const ROOM = { width: 890, height: 465 }

/**
 * Lays out a chart in several ways, and takes the layout that appears largest in the available space.
 *
 * @param late - when it resolves, the best layout so far is taken
 */
export async function bestLayout(
  chart: Chart,
  run: (input: ElkInput) => Promise<ElkOutput>,
  late: Promise<void> = new Promise(() => {}),
): Promise<Layout> {
  let best: Layout | undefined
  for (const options of chart.nodes.length + chart.edges.length > MANY ? quick : variants) {
    const output = await Promise.race([run(toElk(chart, options)), late])
    if (!output) break
    const layout = fromElk(chart, output)
    if (!best || scaleOf(layout) > scaleOf(best)) best = layout
  }
  if (!best) throw new Error('the layout took too long')
  return best
}

function scaleOf({ width, height }: Layout): number {
  return Math.min(ROOM.width / width, ROOM.height / height)
}

function toElk(chart: Chart, options: Record<string, string>): ElkInput {
  const childrenOf = (parent: string | null): ElkInputNode[] =>
    chart.nodes.filter((node) => node.parent === parent).map((node) => elkNode(node, childrenOf(node.id)))
  return {
    id: 'chart',
    layoutOptions: {
      'elk.algorithm': 'layered',
      'elk.direction': 'DOWN',
      'elk.hierarchyHandling': 'INCLUDE_CHILDREN',
      'elk.edgeRouting': 'ORTHOGONAL',
      'elk.randomSeed': '1',
      'elk.padding': '[top=16,left=16,bottom=16,right=16]',
      'elk.layered.considerModelOrder.strategy': 'NODES_AND_EDGES',
      'elk.layered.nodePlacement.strategy': 'NETWORK_SIMPLEX',
      'elk.layered.spacing.nodeNodeBetweenLayers': '28',
      'elk.layered.spacing.edgeNodeBetweenLayers': '14',
      'elk.layered.spacing.edgeEdgeBetweenLayers': '11',
      'elk.spacing.nodeNode': '26',
      'elk.spacing.edgeNode': '16',
      'elk.spacing.edgeEdge': '11',
      'elk.spacing.edgeLabel': '3',
      'elk.spacing.labelNode': '6',
      ...options,
    },
    children: childrenOf(null),
    edges: chart.edges.map(elkEdge),
  }
}

function fromElk(chart: Chart, output: ElkOutput): Layout {
  const nodes: Record<string, Box> = {}
  const edges: Record<string, EdgeLayout> = {}
  const origins = new Map<string, Point>([['chart', [0, 0]]])
  const drawn: ElkOutputEdge[] = []

  const visit = (parent: ElkOutput, x: number, y: number) => {
    drawn.push(...(parent.edges ?? []))
    for (const node of parent.children ?? []) {
      const at: Point = [x + (node.x ?? 0), y + (node.y ?? 0)]
      origins.set(node.id, at)
      nodes[node.id] = {
        x: round(at[0]),
        y: round(at[1]),
        width: round(node.width ?? 0),
        height: round(node.height ?? 0),
      }
      visit(node, ...at)
    }
  }
  visit(output, 0, 0)

  const names = new Map(chart.edges.map((edge) => [edge.id, edge]))
  for (const edge of drawn) {
    if (!names.has(edge.id)) continue
    const [x, y] = origins.get(edge.container ?? 'chart') ?? [0, 0]
    const points = (edge.sections ?? []).flatMap(({ startPoint, bendPoints = [], endPoint }) =>
      [startPoint, ...bendPoints, endPoint].map((point): Point => [round(x + point.x), round(y + point.y)]),
    )
    const label = edge.labels?.[0]
    edges[edge.id] = {
      points,
      label: label
        ? {
            x: round(x + (label.x ?? 0)),
            y: round(y + (label.y ?? 0)),
            width: round(label.width ?? 0),
            height: round(label.height ?? 0),
          }
        : null,
    }
  }
  const [width, height] = [Math.ceil(output.width ?? 0), Math.ceil(output.height ?? 0)]
  const list = anywhereSize(chart)
  const anywhere = list && { x: 16, y: height, ...list }
  return {
    width: Math.max(width, list ? list.width + 32 : 0),
    height: height + (list ? list.height + 16 : 0),
    anywhere,
    nodes,
    edges,
  }
}

/** The size of a node without children. The first line has its name and commands, and the second its delays. */
function nodeSize(node: ChartNode): { readonly width: number; readonly height: number } {
  if (node.kind === 'choice') return { width: size.choice * 2, height: size.choice }
  const commands = commandsOf(node).reduce((sum, row) => sum + tagWidth(row) + 4, 0)
  const first = node.name.length * size.name + 2 * size.padding + commands + (node.initial ? 14 : 0)
  const second = Math.max(0, ...node.delays.map((delay) => delay.length + 14)) * size.row + 2 * size.padding
  return {
    width: Math.ceil(Math.max(96, first, second)),
    height: size.head + (node.delays.length > 0 ? size.delay : 0),
  }
}

function elkNode(node: ChartNode, children: ElkInputNode[]): ElkInputNode {
  const own = nodeSize(node)
  if (children.length === 0) return { id: node.id, ...own }
  return {
    id: node.id,
    children,
    layoutOptions: {
      'elk.padding': `[top=${own.height + 10},left=16,bottom=16,right=16]`,
      'elk.nodeSize.constraints': 'MINIMUM_SIZE',
      'elk.nodeSize.minimum': `(${own.width}, ${own.height + 20})`,
    },
  }
}

function elkEdge(edge: ChartEdge): ElkInputEdge {
  const { id, source, target } = edge
  return { id, sources: [source], targets: [target], labels: [{ id: `${id} label`, text: id, ...labelSize(edge) }] }
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}
