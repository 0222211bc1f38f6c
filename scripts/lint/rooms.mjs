/**
 * The rooms of the repository, from the lowest layer to the highest. This list alone decides which imports are allowed.
 *
 * A file may import from its own room and from the rooms above it in this list. If a room has `sees`, it may import
 * only from these paths instead. `packages` lists the packages that a room may import; a name that ends with `*`
 * matches every package with that prefix. A file belongs to the room with the longest matching path.
 *
 * The linter enforces the list with arrow.mjs. test/tooling/rooms.test.ts checks that forbidden imports are reported.
 *
 * @type {readonly { room: string, packages: readonly string[], sees?: readonly string[] }[]}
 */
export const rooms = [
  { room: 'machines/failure.ts', packages: [] },
  { room: 'machines/policy', packages: [] },
  { room: 'machines', packages: ['xstate'] },

  // Errors in `src/api` use it.
  { room: 'src/shared/redaction.ts', packages: [] },
  // The codecs in `src/api` use it.
  { room: 'src/shared/text-coders.ts', packages: [] },
  { room: 'src/api', packages: ['xstate'] },
  { room: 'src/shared', packages: [] },
  // Browsers get `file-target.browser.ts` instead of `file-target.ts`.
  { room: 'src/recorder', packages: ['xstate', 'node:fs/promises', 'node:path'] },
  // Browsers get `node-options.browser.ts` instead.
  { room: 'src/config/node-options.ts', packages: ['node:crypto'] },
  { room: 'src/config', packages: [] },
  { room: 'src/wire', packages: [] },
  { room: 'src/session', packages: ['xstate'] },
  { room: 'src/store', packages: ['classic-level', 'node:*'] },
  { room: 'src/mqtt', packages: ['mqtt', 'mqtt-packet', 'ws', 'xstate'] },
  { room: 'src/lifecycle', packages: ['xstate'] },
  { room: 'src/messages', packages: [] },
  { room: 'src/client.ts', packages: ['xstate'] },
  { room: 'src/embedded-machine.ts', packages: [] },
  { room: 'src/fleet', packages: [] },
  { room: 'src/index.ts', packages: [] },

  { room: 'mqttjs', packages: ['mqtt', 'mqtt-packet'], sees: ['machines', 'src'] },

  { room: 'testing', packages: ['aedes', 'mqtt', 'mqtt-packet', 'ws', 'xstate', 'node:*'] },

  { room: 'opentelemetry', packages: ['@opentelemetry/api'], sees: ['machines', 'src'] },

  { room: 'react', packages: ['@xstate/react', 'react', 'xstate'], sees: ['machines', 'src'] },

  { room: 'visualizer/protocol.ts', packages: ['xstate'], sees: ['machines', 'src/api', 'src/shared'] },
  { room: 'visualizer/shared', packages: [], sees: ['visualizer/protocol.ts'] },
  { room: 'visualizer/chart', packages: ['xstate'], sees: ['machines', 'src/api', 'src/shared', 'visualizer/shared'] },
  {
    room: 'visualizer/record',
    packages: ['xstate'],
    sees: ['machines', 'src/api', 'src/shared', 'visualizer/protocol.ts', 'visualizer/shared'],
  },
  {
    room: 'visualizer/serve',
    packages: ['ws', 'xstate', 'node:*'],
    sees: [
      'machines',
      'src/api',
      'src/shared',
      'visualizer/commands.ts',
      'visualizer/options.ts',
      'visualizer/protocol.ts',
      'visualizer/record',
      'visualizer/shared',
    ],
  },
  {
    // Only the command line uses it.
    room: 'visualizer/replay',
    packages: ['ws', 'xstate', 'node:*'],
    sees: [
      'machines',
      'src/recorder',
      'src/shared',
      'testing/replay',
      'visualizer/options.ts',
      'visualizer/protocol.ts',
      'visualizer/record',
      'visualizer/serve',
      'visualizer/shared',
    ],
  },
  {
    room: 'visualizer',
    packages: ['ws', 'xstate', 'node:*'],
    sees: [
      'machines',
      'src/api',
      'src/shared',
      'visualizer/protocol.ts',
      'visualizer/record',
      'visualizer/serve',
      'visualizer/shared',
    ],
  },
  {
    room: 'visualizer/page',
    packages: ['elkjs', 'preact', 'vite', 'xstate', 'node:url'],
    sees: ['machines', 'src/api', 'src/shared', 'visualizer/protocol.ts', 'visualizer/shared', 'visualizer/chart'],
  },

  { room: 'measure/lab', packages: ['*'], sees: ['machines', 'src', 'testing'] },
  { room: 'measure/bench', packages: ['*'], sees: ['machines', 'src', 'testing', 'measure/lab'] },
  { room: 'measure/chaos', packages: ['*'], sees: ['machines', 'src', 'testing', 'measure/lab'] },
  { room: 'measure/storm', packages: ['*'], sees: ['machines', 'src', 'testing', 'measure/lab'] },
  { room: 'measure/model', packages: ['xstate', 'node:*'], sees: ['machines', 'measure/lab'] },
  { room: 'measure', packages: ['*'], sees: ['measure'] },
  {
    room: 'cli',
    // The doctor speaks MQTT by itself, packet by packet.
    packages: ['mqtt-packet', 'ws', 'xstate', 'node:*'],
    sees: ['machines', 'src', 'testing', 'visualizer/index.ts', 'visualizer/chart', 'visualizer/replay/index.ts'],
  },
  {
    room: 'examples',
    packages: ['@opentelemetry/*', 'sparkplug-payload', 'xstate', 'xstate-mqtt', 'node:*'],
    sees: [],
  },
  { room: 'examples/dashboard', packages: ['react', 'react-dom', 'vite', 'xstate-mqtt', 'node:*'], sees: [] },
  { room: 'examples/xstate-inspect', packages: ['@xstate/inspect', 'ws', 'xstate', 'node:*'], sees: [] },
  { room: 'scripts', packages: ['*'], sees: ['machines', 'src', 'testing', 'visualizer', 'measure', 'cli'] },
  { room: 'test', packages: ['*'] },
]

/**
 * Files that may compute what they import: packages for comparisons, which are not installed by default, so that neither
 * the compiler nor knip may look for them.
 */
export const computedImports = ['measure/bench/peers/aws-crt.ts', 'measure/bench/stores/mqttjs.ts']
