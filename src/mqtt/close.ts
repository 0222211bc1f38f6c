import type { MqttClient } from 'mqtt'

import type { Clock } from '../options.ts'

/** DISCONNECT, normal disconnection: the same bytes in MQTT 3.1.1 §3.14 and MQTT 5 §3.14. */
const DISCONNECT = Uint8Array.of(0xe0, 0)

/**
 * Closes a client completely, in bounded time: no socket, timer or listener stays. MQTT.js's own `end` does not: while
 * connecting it leaves the socket open, and with an un-acked publish it never calls back.
 *
 * @param closed - resolves at the client's `close`, when MQTT.js has cleared its own timers
 * @param graceful - send DISCONNECT and let the socket finish, for at most `timeout` milliseconds
 */
export async function closeClient(
  { stream }: MqttClient,
  closed: Promise<void>,
  graceful: boolean,
  clock: Clock,
  timeout: number,
): Promise<void> {
  if (!graceful) {
    stream.destroy()
    return closed
  }
  const timer = clock.setTimeout(() => stream.destroy(), timeout)
  stream.write(DISCONNECT)
  stream.end()
  await closed
  clock.clearTimeout(timer)
}
