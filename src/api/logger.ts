/** A logger with pino's methods: an object first, then a message. `pino()` fits, `console` does not. */
export interface Logger {
  debug(details: object, message: string): void
  info(details: object, message: string): void
  warn(details: object, message: string): void
  error(details: object, message: string): void
}

const ignore = () => {}

/** Shared by all clients without a logger. */
const silent: Logger = Object.freeze({ debug: ignore, info: ignore, warn: ignore, error: ignore })

/**
 * Wraps a logger so that its errors affect nothing else. Without a logger, the result is silent.
 *
 * @param client - the name of the client, which is added to the details
 */
export function guarded(logger: Logger | undefined, client?: string): Logger {
  if (!logger) return silent
  const guard = (level: keyof Logger) => (details: object, message: string) => {
    try {
      logger[level](client === undefined ? details : { client, ...details }, message)
    } catch {
      // A broken logger cannot be reported anywhere.
    }
  }
  return { debug: guard('debug'), info: guard('info'), warn: guard('warn'), error: guard('error') }
}
