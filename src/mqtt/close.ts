import type { MqttClient } from 'mqtt'

import type { Clock } from '../api/clock.ts'
import { type Disconnect, encodeDisconnect } from '../wire/disconnect.ts'

/**
 * Closes a client completely, within `timeout`: no socket, timer or listener is left. MQTT.js's own `end` does not do
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
  // The only DISCONNECT of MQTT 3.1.1 is the normal one, which would discard our will.
  if (!disconnect || (disconnect.reasonCode !== 0 && options.protocolVersion !== 5)) {
    stream.destroy()
    return closed
  }
  let timer: unknown
  try {
    timer = clock.setTimeout(() => stream.destroy(), timeout)
  } catch {
    // The timer limits the wait.
    stream.destroy()
    return closed
  }
  // The end of the stream would not be noticed otherwise. What arrives is ignored.
  stream.resume()
  stream.write(encodeDisconnect(disconnect))
  stream.end()
  await closed
  clock.clearTimeout(timer)
}
