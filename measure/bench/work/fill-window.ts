/**
 * Starts tasks all the time, so that there is always the same number of them. Each turn of the event loop fills the window
 * again, as an app does that publishes several messages at a time. Tasks that end at once do not block the event loop.
 *
 * @param oneByOne - whether each task that ends is followed by another at once instead
 * @returns the number of tasks that have ended so far
 */
export function fillWindow(window: number, start: (done: () => void) => void, oneByOne = false): () => number {
  let started = 0
  let ended = 0
  let scheduled = false
  const turn = () => {
    scheduled = false
    while (started - ended < window) {
      started++
      start(onEnd)
    }
  }
  const onEnd = () => {
    ended++
    if (oneByOne) return turn()
    if (scheduled) return
    scheduled = true
    setImmediate(turn)
  }
  turn()
  return () => ended
}
