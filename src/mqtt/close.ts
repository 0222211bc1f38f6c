import type { MqttClient } from 'mqtt'

import type { Clock } from '../api/clock.ts'
import { type Disconnect, encodeDisconnect } from '../wire/disconnect.ts'

/** How long a destroyed stream of the application may take to close, in milliseconds. */
const LONGEST_CLOSE = 2_000

export interface CloseOptions {
  /** Resolves at the client's `close`, when MQTT.js has cleared its own timers. */
  readonly closed: Promise<void>
  /** Is sent; the socket then has up to `timeout` milliseconds to finish. Without it the socket is destroyed at once. */
  readonly disconnect: Disconnect | undefined
  readonly clock: Clock
  readonly timeout: number
  /** Whether the application provided the socket, which may not close when it is destroyed. Node's sockets do. */
  readonly isProvided: boolean
}

/**
 * Closes a client completely, in bounded time: no socket, timer or listener is left. MQTT.js's own `end` does not do
 * this: while connecting it leaves the socket open, and with an unacked publish it never calls back.
 */
export async function closeClient(
  { stream, options }: MqttClient,
  { closed, disconnect, clock, timeout, isProvided }: CloseOptions,
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
    if (isProvided) after(LONGEST_CLOSE, () => stream.emit('close'))
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
