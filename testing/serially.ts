/**
 * Creates a function that runs each task only after the previous one has settled. Starts and stops then never overlap,
 * even if the caller does not await them.
 */
export function createTurns(): (work: () => Promise<void>) => Promise<void> {
  let last = Promise.resolve()
  return (work) => {
    const turn = last.then(work)
    last = turn.catch(() => undefined)
    return turn
  }
}
