import { BaseSequencer, type TestSpecification } from 'vitest/node'

/**
 * The files that take longest, the longest first. One that began last would keep one core busy while the other has nothing
 * to do. vitest knows how long a file took only where it has run before, which is not so in CI.
 */
const LONGEST = [
  'test/brokers/no-loss.test.ts',
  'test/brokers/durable-kill.test.ts',
  'test/e2e/examples.test.ts',
  'test/model/statechart.test.ts',
  'test/wire/decode.test.ts',
  'test/e2e/visualizer.test.ts',
  'test/visualizer/fleet-feed.test.ts',
  'test/e2e/demo.test.ts',
  'test/e2e/readme.test.ts',
  'test/visualizer/night.test.ts',
  'test/browser/client.test.ts',
  'test/browser/fleet.test.ts',
]

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    // oxlint-disable-next-line unicorn/no-array-sort -- it is the sequencer's method, not an array's
    const sorted = await super.sort(files)
    return sorted.toSorted((a, b) => groupOf(a) - groupOf(b) || rank(a) - rank(b))
  }
}

function groupOf({ project }: TestSpecification): number {
  return project.config.sequence.groupOrder
}

function rank({ moduleId }: TestSpecification): number {
  const place = LONGEST.findIndex((file) => moduleId.endsWith(file))
  return place === -1 ? LONGEST.length : place
}
