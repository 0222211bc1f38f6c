/** The defaults for injected chance and time: the one place in machines/ that knows of the real ones. */

// oxlint-disable-next-line no-restricted-properties -- the default of an input
export const systemRandom: () => number = Math.random

// oxlint-disable-next-line no-restricted-globals -- the default of an input
export const systemNow: () => number = Date.now
