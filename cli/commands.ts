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
    summary: 'a complete outage with a broker in this process, or the client on your own broker',
    load: async () => (await import('./demo.ts')).demo,
  },
  broker: {
    summary: 'a broker in this process, to try things out',
    load: async () => (await import('./broker.ts')).broker,
  },
  timeline: {
    summary: 'the times of the attempts and recovery cycles of an outage',
    load: async () => (await import('./timeline.ts')).timeline,
  },
  diagram: {
    summary: 'the connection machine as a diagram, generated from the machine itself',
    load: async () => (await import('./diagram.ts')).diagram,
  },
  replay: {
    summary: 'tells, plays, checks, or turns into a test what the option recorder has recorded: replay <file>',
    load: async () => (await import('./replay/replay.ts')).replay,
  },
  store: {
    summary: 'salvages the undamaged part of a store of durable publishes: store salvage <dir>',
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
