// A minimal viewer: it prints the events that the receiver of @xstate/inspect gets from a bridge.
//   npm run watch -w examples/xstate-inspect -- 127.0.0.1:8888
import { createWebSocketReceiver } from '@xstate/inspect'
import { fileURLToPath } from 'node:url'
import { WebSocket } from 'ws'

/** The events of the receiver: its type `ParsedReceiverEvent`, as far as needed here. */
export type ParsedEvent =
  | { readonly type: 'service.register'; readonly sessionId: string; readonly id: string; readonly state: LegacyState }
  | { readonly type: 'service.event'; readonly sessionId: string; readonly event: { readonly name: string } }
  | { readonly type: 'service.state'; readonly sessionId: string; readonly state: LegacyState }
  | { readonly type: 'service.stop'; readonly sessionId: string }

interface LegacyState {
  readonly value: unknown
  readonly context: unknown
  readonly nextEvents: readonly string[]
  readonly tags: Iterable<string>
}

/**
 * Reports the services of a bridge.
 *
 * @param server - host and port of the bridge
 */
export function watchServices(server: string, onEvent: (event: ParsedEvent) => void): void {
  // The receiver needs the global `WebSocket`, which browsers have, and Node since version 22.
  globalThis.WebSocket ??= WebSocket as unknown as typeof globalThis.WebSocket
  createWebSocketReceiver({ server, serialize: undefined }).subscribe(onEvent)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  watchServices(process.argv[2] ?? '127.0.0.1:8888', (event) => {
    if (event.type === 'service.register') console.log(event.sessionId, event.id, JSON.stringify(event.state.value))
    if (event.type === 'service.event') console.log(event.sessionId, '←', event.event.name)
    if (event.type === 'service.state') console.log(event.sessionId, '→', JSON.stringify(event.state.value))
    if (event.type === 'service.stop') console.log(event.sessionId, 'stopped')
  })
}
