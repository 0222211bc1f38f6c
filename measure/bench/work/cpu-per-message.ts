/**
 * Measures what this process does while it waits.
 *
 * @param count - the number of messages so far
 * @param warmUp - waits before the measurement
 * @param wait - waits during the measurement
 * @returns messages per second, and the user and system time for each message in microseconds
 */
export async function cpuPerMessage(count: () => number, warmUp: () => Promise<void>, wait: () => Promise<void>) {
  await warmUp()
  const before = { messages: count(), at: performance.now(), cpu: process.cpuUsage() }
  await wait()
  const messages = count() - before.messages
  const seconds = (performance.now() - before.at) / 1_000
  const { user, system } = process.cpuUsage(before.cpu)
  return { rate: messages / seconds, cpu: (user + system) / messages }
}
