// The defaults of injected chance and time. No other file in machines/ uses the real ones. They are looked up for each call,
// so that fake timers of a test apply whenever it installs them.

// oxlint-disable-next-line no-restricted-properties -- the default of an input
export const systemRandom = (): number => Math.random()

// oxlint-disable-next-line no-restricted-globals -- the default of an input
export const systemNow = (): number => Date.now()
