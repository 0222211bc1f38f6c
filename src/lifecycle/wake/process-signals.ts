import type { WakeSignal } from '../../api/wake-signal.ts'
import { backgroundClock, listenerFor } from './listeners.ts'
import { SharedSignal, type Wakeable } from './shared-signal.ts'

/** The signals that clients of this process, or page, have asked for. */
const signals = /* @__PURE__ */ new Map<WakeSignal, SharedSignal>()

/** From now on these signals wake the client, as far as they exist here. */
export function wakeOn(names: readonly WakeSignal[], client: Wakeable): void {
  for (const name of names) signalOf(name)?.add(client)
}

/** From now on these signals do not wake the client. */
export function stopWaking(names: readonly WakeSignal[], client: Wakeable): void {
  for (const name of names) signals.get(name)?.delete(client)
}

function signalOf(name: WakeSignal): SharedSignal | undefined {
  const known = signals.get(name)
  if (known) return known
  const listen = listenerFor(name)
  if (!listen) return undefined
  const signal = new SharedSignal(listen, backgroundClock)
  signals.set(name, signal)
  return signal
}
