/** In milliseconds. After one Ctrl-C, this process gets SIGINT twice: from the terminal, and passed on by npm. */
const ONE_CTRL_C = 300

/** In milliseconds. Longer than a client takes to disconnect, also from a broker that does not answer. */
const LONGEST_END = 15_000

/**
 * Aborts at the first Ctrl-C or SIGTERM. The second one ends the process at once, and so does the time, for example if
 * the reader of stdout is stuck.
 */
export function interruption(): AbortController {
  const controller = new AbortController()
  let first = 0
  const onSignal = (signal: NodeJS.Signals) => {
    const exit = () => process.exit(signal === 'SIGINT' ? 130 : 143)
    if (!controller.signal.aborted) {
      first = performance.now()
      controller.abort()
      setTimeout(exit, LONGEST_END).unref()
    } else if (performance.now() - first > ONE_CTRL_C) {
      exit()
    }
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  return controller
}
