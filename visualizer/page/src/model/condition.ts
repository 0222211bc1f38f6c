import type { Family } from '../../../protocol.ts'

/** What the page can say of a connection: the meaning of its state, or that its process does not report. */
export type Condition = Family | 'silent'

/** The worst first. An operator looks at these from left to right, and from top to bottom. */
export const conditions: readonly Condition[] = ['failed', 'silent', 'waiting', 'busy', 'resting', 'online']

interface Look {
  /** As in `12 failed`. */
  readonly words: string
  /** A sign that does not need a colour. */
  readonly sign: string
  /** The sentence that explains it. */
  readonly meaning: string
}

export const looks: Readonly<Record<Condition, Look>> = {
  failed: { words: 'failed', sign: '✕', meaning: 'gave up, and do nothing until they are asked to' },
  silent: { words: 'not reporting', sign: '?', meaning: 'belong to a process that does not report' },
  waiting: { words: 'waiting to retry', sign: '…', meaning: 'lost the connection, and wait for the next attempt' },
  busy: { words: 'connecting', sign: '↻', meaning: 'are connecting, or get new credentials' },
  resting: { words: 'disconnected', sign: '–', meaning: 'are disconnected on request, or were not asked to connect' },
  online: { words: 'connected', sign: '✓', meaning: 'are connected' },
}
