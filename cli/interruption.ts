/** In milliseconds. After one Ctrl-C, this process gets SIGINT twice: from the terminal, and passed on by npm. */
const ONE_CTRL_C = 300

/** Aborts at the first Ctrl-C or SIGTERM. The second one ends the process at once. */
export function interruption(): AbortController {
  const controller = new AbortController()
  let first = 0
  const onSignal = (signal: NodeJS.Signals) => {
    if (!controller.signal.aborted) {
      first = performance.now()
      controller.abort()
    } else if (performance.now() - first > ONE_CTRL_C) {
      process.exit(signal === 'SIGINT' ? 130 : 143)
    }
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  return controller
}
