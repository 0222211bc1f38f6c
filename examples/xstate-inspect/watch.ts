// The smallest viewer there is: prints what @xstate/inspect's own receiver makes of what a bridge sends.
//   npm run watch -w examples/xstate-inspect -- 127.0.0.1:8888
import { createWebSocketReceiver } from '@xstate/inspect'
import { fileURLToPath } from 'node:url'
import { WebSocket } from 'ws'

/** What the receiver makes of a message: `ParsedReceiverEvent`, as far as it is needed here. */
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

/** @param server - host and port of a bridge */
export function watchServices(server: string, onEvent: (event: ParsedEvent) => void): void {
  // Made for browsers, which have it; Node has it since version 22.
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
