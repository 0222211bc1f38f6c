/** The callbacks of each signal that anything here waits for. */
const waiting = new WeakMap<AbortSignal, Set<() => void>>()

/**
 * Calls back once when a signal aborts, if it has not yet. However many wait for a signal, it has one listener: Node
 * warns of a leak from the eleventh on, and searches all of them for each that comes or goes.
 *
 * @param callback - a function of its own for each call; it must not throw
 * @returns takes the callback off again
 */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  const callbacks = waiting.get(signal) ?? listenTo(signal)
  callbacks.add(callback)
  return () => {
    callbacks.delete(callback)
    // A signal without listeners keeps nothing alive: `AbortSignal.timeout` may be held by what listens to it.
    if (callbacks.size === 0 && waiting.get(signal) === callbacks) stopListening(signal)
  }
}

function listenTo(signal: AbortSignal): Set<() => void> {
  const callbacks = new Set<() => void>()
  waiting.set(signal, callbacks)
  signal.addEventListener('abort', aborted)
  return callbacks
}

function aborted(this: AbortSignal): void {
  const callbacks = waiting.get(this)
  stopListening(this)
  // One of them may take off others.
  for (const callback of callbacks ?? []) callback()
}

function stopListening(signal: AbortSignal): void {
  waiting.delete(signal)
  signal.removeEventListener('abort', aborted)
}
