import type { Command } from './command.ts'

/** Its options and its help are the visualizer's own. */
export const visualizer: Command = {
  name: 'visualizer',
  summary: 'a page that shows running connections, which apps report to',
  help: 'xstate-mqtt visualizer --help tells its options.',
  async run(args) {
    const { runVisualizer } = await import('../../visualizer/index.ts')
    const stop = new AbortController()
    process.once('SIGINT', () => stop.abort())
    process.once('SIGTERM', () => stop.abort())
    return runVisualizer(args, { write: (line) => console.log(line), signal: stop.signal })
  },
}
