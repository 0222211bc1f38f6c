import type { MqttClient } from 'mqtt'

import type { Clock } from '../api/clock.ts'
import { type Disconnect, encodeDisconnect } from '../wire/disconnect.ts'

/** How long a destroyed stream may take to close, in milliseconds. */
const LONGEST_CLOSE = 2_000

/**
 * Closes a client completely, in bounded time: no socket, timer or listener is left. MQTT.js's own `end` does not do
 * this: while connecting it leaves the socket open, and with an un-acked publish it never calls back.
 *
 * @param closed - resolves at the client's `close`, when MQTT.js has cleared its own timers
 * @param disconnect - is sent; the socket then has up to `timeout` milliseconds to finish. Without it the socket is
 *   destroyed at once
 */
export async function closeClient(
  { stream, options }: MqttClient,
  closed: Promise<void>,
  disconnect: Disconnect | undefined,
  clock: Clock,
  timeout: number,
): Promise<void> {
  let timer: unknown
  /** @returns whether the timer runs: a clock of the application may throw */
  const after = (delay: number, task: () => void): boolean => {
    try {
      timer = clock.setTimeout(task, delay)
      return true
    } catch {
      return false
    }
  }
  const destroy = () => {
    // A stream of the application may never do so itself.
    after(LONGEST_CLOSE, () => stream.emit('close'))
    stream.destroy()
  }
  // The only DISCONNECT of MQTT 3.1.1 is the normal one, which would discard our will.
  const isGraceful = disconnect && (disconnect.reasonCode === 0 || options.protocolVersion === 5)
  if (isGraceful && after(timeout, destroy)) {
    // The end of the stream would not be noticed otherwise. What arrives is ignored.
    stream.resume()
    stream.write(encodeDisconnect(disconnect))
    stream.end()
  } else {
    destroy()
  }
  await closed
  clock.clearTimeout(timer)
}
