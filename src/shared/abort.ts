/** The callbacks of each signal. */
const waiting = new WeakMap<AbortSignal, Set<() => void>>()

/**
 * Calls back once when a signal aborts, unless it has aborted already. Each signal gets a single listener for all its
 * callbacks: Node warns of a leak from the eleventh listener on, and searches all listeners to add or remove one.
 *
 * @param callback - a different function for each call; it must not throw
 * @returns removes the callback
 */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  const callbacks = waiting.get(signal) ?? listenTo(signal)
  callbacks.add(callback)
  return () => {
    callbacks.delete(callback)
    // Without a listener, the signal can be collected: Node keeps an `AbortSignal.timeout` alive while it has one.
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
  // Iterates the set itself, so that a callback can remove others.
  for (const callback of callbacks ?? []) callback()
}

function stopListening(signal: AbortSignal): void {
  waiting.delete(signal)
  signal.removeEventListener('abort', aborted)
}
