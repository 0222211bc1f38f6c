import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config'

import { LongestFirst } from './test/support/longest-first.ts'

/**
 * Tests that `npm run test:rest` repeats many times. `npm test` runs them as well, but repeats them only a few times. See
 * `repetitions()`.
 */
const LONG = [
  'test/brokers/no-loss.test.ts',
  'test/machines/hot-loop.test.ts',
  'test/model/{bytes,machine}.test.ts',
  'test/mqtt/closing.test.ts',
  'test/mqttjs/{connection,messages,sockets}.test.ts',
  'test/session/model.test.ts',
  'test/session/packet-ids.test.ts',
  'test/store/shelf-model.test.ts',
  'test/wire/{decode,encode,noise}.test.ts',
]

/** Tests that take too long for `npm test`, however few their repetitions. */
const ONLY_LONG = [
  // They start a process for each of their tests.
  'test/brokers/durable-kill.test.ts',
  'test/measure/cleanup.test.ts',
  'test/store/locks.test.ts',
  'test/visualizer/{feed,legacy-bridge}.test.ts',
  // Small storms, and a first chunk that ends anywhere.
  'test/measure/storm.test.ts',
  'test/session/first-chunk.test.ts',
  // They visit every state of the connection machine.
  'test/machines/coverage.test.ts',
  'test/model/statechart.test.ts',
  // Hours of a faulty broker, and a real one that closes connections.
  'test/session/poison.test.ts',
  'test/brokers/poison.test.ts',
  // Every fault of a server, each of which takes time to be sure of.
  'test/cli/doctor/examine.test.ts',
  // It starts a DOM.
  'test/docs/react/door.test.tsx',
  // Each of its faults copies a store of several tables.
  'test/store/{damage,full-disk}.test.ts',
  // They start the compiler, the linter and the bundler.
  'test/tooling/{bundle,docs-snippets,rooms}.test.ts',
  'test/visualizer/{fleet-feed,night}.test.ts',
]

/**
 * Tests that replace modules, or globals that a module reads while it loads, and one that looks at all handles of its
 * process.
 */
const ISOLATED = [
  'test/cli/page.test.ts',
  'test/mqtt/closing.test.ts',
  'test/mqtt/{dom,native-web-socket}.test.ts',
  'test/react/{hooks,strict-mode}.test.ts',
  'test/store/no-package.test.ts',
  'test/wire/no-buffer.test.ts',
]

/** The tests of docs/testing.md and docs/react.md import the package by its name. */
const ownName = [
  { find: /^xstate-mqtt$/, replacement: join(import.meta.dirname, 'src/index.ts') },
  { find: /^xstate-mqtt\/(machines|react|testing)$/, replacement: join(import.meta.dirname, '$1/index.ts') },
]

/** One more than there are cores, because some tests only wait. */
const WORKERS = availableParallelism() + 1

/** Here most tests wait for a process or a broker. */
const WAITING_WORKERS = availableParallelism() + 2

// `npm test` runs `unit`, `isolated` and `brokers`; `npm run test:rest` runs all other projects. The projects of a group run
// at the same time: tests that wait for a broker or a process leave the computer to those that do not. Browsers have it to
// themselves.
export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    projects: [
      project('unit', 0, {
        include: ['test/**/*.test.ts'],
        exclude: [
          '**/node_modules/**',
          'test/{brokers,browser,cluster,drop-in,e2e,field}/**',
          ...ISOLATED,
          ...ONLY_LONG,
        ],
        testTimeout: 30_000,
        // The files share a process and its modules, because loading them for each file takes longer than most tests.
        isolate: false,
        unstubGlobals: true,
        maxWorkers: WORKERS,
      }),
      project('isolated', 0, { include: ISOLATED, testTimeout: 30_000, maxWorkers: WORKERS }),
      project('brokers', 0, {
        isolate: false,
        exclude: ONLY_LONG,
        testTimeout: 60_000,
        maxWorkers: WORKERS,
      }),
      project('e2e', 1, { testTimeout: 60_000, maxWorkers: WAITING_WORKERS }),
      project('long', 1, {
        include: [...LONG, ...ONLY_LONG],
        testTimeout: 240_000,
        maxWorkers: WAITING_WORKERS,
        // vitest would give up polling after a second.
        expect: { poll: { timeout: 30_000 } },
      }),
      project('browser', 2, {
        globalSetup: ['test/browser/build-page.ts'],
        testTimeout: 120_000,
        // A file mostly waits for its browser, which has processes of its own.
        maxWorkers: 2,
        // A page may open slowly on a busy computer. vitest would give up polling after a second.
        expect: { poll: { timeout: 30_000 } },
      }),
      // Other brokers, and proxies, that have to be installed. `npm run test:field` is the only command that runs it.
      project('field', 0, { testTimeout: 60_000, maxWorkers: WORKERS }),
      // Three nodes of RabbitMQ. `npm run test:cluster` is the only command that runs it, for about ten minutes.
      project('cluster', 0, { testTimeout: 600_000, maxWorkers: 1 }),
    ],
  },
})

function project(name: string, groupOrder: number, test: TestProjectInlineConfiguration['test']) {
  const { testTimeout } = test ?? {}
  return {
    ...(['unit', 'long'].includes(name) && { resolve: { alias: ownName } }),
    test: {
      name,
      include: [`test/${name}/**/*.test.ts`],
      ...(testTimeout && { hookTimeout: testTimeout }),
      restoreMocks: true,
      env: { LONG_TESTS: name === 'long' ? '1' : '' },
      sequence: { groupOrder },
      ...test,
    },
  }
}
