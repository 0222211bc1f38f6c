import type { Command } from '../../protocol.ts'

/** Where the messages of the page come from: a server, or anything else that sends the same messages, such as a recording. */
export interface Source {
  /** Begins to give messages to the store. */
  open(): void
  /** Sends a command to an actor. Its answer comes as a message. */
  command(sessionId: string, command: Command): void
}
