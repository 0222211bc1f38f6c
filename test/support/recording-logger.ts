import type { Logger } from '../../src/index.ts'

export interface LogLine {
  readonly level: keyof Logger
  readonly details: object
  readonly message: string
}

/** A logger that keeps its lines. With it the client prints nothing. */
export function recordingLogger(onLine: () => void = () => {}) {
  const lines: LogLine[] = []
  const log = (level: LogLine['level']) => (details: object, message: string) => {
    lines.push({ level, details, message })
    onLine()
  }
  const logger: Logger = { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') }
  return {
    logger,
    lines,
    /** The messages of a level. */
    messages: (wanted: LogLine['level']) => lines.filter(({ level }) => level === wanted).map(({ message }) => message),
  }
}
