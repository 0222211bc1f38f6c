const settled = Promise.resolve()

/**
 * Runs a task after the code that is running, before the event loop goes on: `queueMicrotask` without the global function,
 * which jest's fake timers replace by one that waits until the test moves the time.
 */
export function soon(task: () => void): void {
  void settled.then(task)
}
