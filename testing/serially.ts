/**
 * Runs each piece of work after the one before has settled, so that starts and stops never overlap, whoever forgot to
 * wait for one.
 */
export function createTurns(): (work: () => Promise<void>) => Promise<void> {
  let last = Promise.resolve()
  return (work) => {
    const turn = last.then(work)
    last = turn.catch(() => undefined)
    return turn
  }
}
