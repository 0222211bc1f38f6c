import type { MqttClient } from 'mqtt'

import type { Clock } from '../api/clock.ts'

/** Normal disconnection: the broker discards our will (MQTT 5 §3.14.2.1). */
export const NORMAL = 0

/** DISCONNECT, normal disconnection: the same bytes in MQTT 3.1.1 §3.14 and MQTT 5 §3.14. */
const DISCONNECT = Uint8Array.of(0xe0, 0)

/**
 * Closes a client completely, within `timeout`: no socket, timer or listener is left. MQTT.js's own `end` does not do
 * this: while connecting it leaves the socket open, and with an un-acked publish it never calls back.
 *
 * @param closed - resolves at the client's `close`, when MQTT.js has cleared its own timers
 * @param reasonCode - of the DISCONNECT to send; the socket then has up to `timeout` milliseconds to finish. Without a
 *   code the socket is destroyed at once
 */
export async function closeClient(
  { stream, options }: MqttClient,
  closed: Promise<void>,
  reasonCode: number | undefined,
  clock: Clock,
  timeout: number,
): Promise<void> {
  // The only DISCONNECT of MQTT 3.1.1 is the normal one, which would discard our will.
  if (reasonCode === undefined || (reasonCode !== NORMAL && options.protocolVersion !== 5)) {
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
  stream.write(reasonCode === NORMAL ? DISCONNECT : Uint8Array.of(0xe0, 2, reasonCode, 0))
  stream.end()
  await closed
  clock.clearTimeout(timer)
}
