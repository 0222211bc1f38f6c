/** pino's shape: an object first, then a message. `console` does not fit; `pino()` does. */
export interface Logger {
  debug(details: object, message: string): void
  info(details: object, message: string): void
  warn(details: object, message: string): void
  error(details: object, message: string): void
}

/** A logger that throws must not hurt anybody else. Without one it is silent. */
export function guarded(logger: Logger | undefined): Logger {
  const guard = (level: keyof Logger) => (details: object, message: string) => {
    try {
      logger?.[level](details, message)
    } catch {
      // There is nobody left to tell.
    }
  }
  return { debug: guard('debug'), info: guard('info'), warn: guard('warn'), error: guard('error') }
}
