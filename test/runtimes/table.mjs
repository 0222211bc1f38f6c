// The table of docs/runtimes.md.

/** What each check is called there, in the order of the rows. */
export const ROWS = {
  tcp: '`mqtt:`, each QoS, up to 1 MB',
  tls: '`mqtts:`, with a CA',
  ws: '`ws:`',
  wss: '`wss:`, with a CA',
  'broker-tcp': 'the broker is killed and started: TCP',
  'broker-ws': 'the same over WebSocket',
  'half-open-tcp': 'the server falls silent: TCP',
  'half-open-ws': 'the same over WebSocket',
  unauthorized: 'a refused upgrade (401)',
  'wrong-ca-tls': 'a server of another CA: `mqtts:`',
  'wrong-ca-wss': 'the same for `wss:`',
  durable: 'a store, across a SIGKILL',
  recorder: 'the flight recorder',
  'visualizer-feed': '`connectVisualizer`',
  'visualizer-page': '`createVisualizer`',
  'embedded-tcp': 'the embedded broker: TCP',
  'embedded-ws': 'the same over WebSocket',
  scripted: 'the scripted server',
  'test-clock': 'the test clock',
  demo: '`npx xstate-mqtt demo`',
  ends: 'the process ends by itself',
}

/** @param columns - of each runtime its heading, and its results or the reason why there are none */
export function table(columns) {
  const rows = Object.entries(ROWS).map(([name, title]) => [title, ...columns.map((column) => cell(column, name))])
  const head = ['', ...columns.map(({ heading }) => heading)]
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

function cell({ results, limits = {}, notes = {} }, name) {
  if (limits[name]) return limits[name]
  const result = results.find((each) => each.name === name)
  if (!result) return 'not run'
  if (!result.ok) return 'no'
  return notes[name] ? `yes ${notes[name]}` : 'yes'
}
