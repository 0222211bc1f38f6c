import type { Command } from './command.ts'

interface Entry {
  /** One line, for the list of commands. */
  readonly summary: string
  readonly load: () => Promise<Command>
}

/** The commands, which docs/command-line.md describes. Each is loaded only when it is needed: `timeline` needs neither MQTT.js nor a broker. */
export const commands: Readonly<Record<string, Entry>> = {
  sub: {
    summary: 'prints messages, and never gives up',
    load: async () => (await import('./sub.ts')).sub,
  },
  pub: {
    summary: 'publishes, and never gives up',
    load: async () => (await import('./pub.ts')).pub,
  },
  demo: {
    summary: 'shows a complete outage with a broker of its own, or the client on your broker',
    load: async () => (await import('./demo.ts')).demo,
  },
  broker: {
    summary: 'runs a broker in this process, to try things out',
    load: async () => (await import('./broker.ts')).broker,
  },
  timeline: {
    summary: 'prints when the attempts and recovery cycles of an outage begin',
    load: async () => (await import('./timeline.ts')).timeline,
  },
  diagram: {
    summary: 'prints the connection machine as a diagram',
    load: async () => (await import('./diagram.ts')).diagram,
  },
  replay: {
    summary: 'tells the story of a recording, plays it on a page, checks it, or makes a test of it',
    load: async () => (await import('./replay/replay.ts')).replay,
  },
  store: {
    summary: 'copies the intact publishes of a damaged store to a new one',
    load: async () => (await import('./store.ts')).store,
  },
  visualizer: {
    summary: 'serves a page that shows the connections of apps that report to it',
    load: async () => (await import('./visualizer.ts')).visualizer,
  },
  doctor: {
    summary: 'names what is wrong on the way to a broker, from DNS to a round trip, and says what to do',
    load: async () => (await import('./doctor/command.ts')).doctor,
  },
}
