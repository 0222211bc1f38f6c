import NodeWebSocket from 'ws'

import type { AnyWebSocket, WebSocketEvents } from './web-socket-events.ts'

/**
 * Creates a WebSocket of `ws`, which takes options and reveals what a browser hides. A bundler for browsers takes
 * `node-web-socket.browser.ts` instead: see `browser` in package.json.
 *
 * `undefined` if `ws` is the stub that tools get which resolve packages as for a browser and ignore that field, such as
 * jest-environment-jsdom. Neither `process.versions.node` nor `window` would tell: Cloudflare Workers have the former,
 * tests under jsdom and the renderer of Electron both.
 */
export const nodeWebSocket = isStub(NodeWebSocket) ? undefined : create

function isStub(module: { readonly prototype?: { readonly terminate?: unknown } }): boolean {
  return module.prototype?.terminate === undefined
}

function create(
  url: string,
  protocols: string[],
  options: NodeWebSocket.ClientOptions,
  onSocket: WebSocketEvents['onSocket'],
): AnyWebSocket {
  return new NodeWebSocket(url, protocols, {
    ...options,
    finishRequest: (request) => {
      request.once('socket', (socket) => onSocket(socket))
      request.end()
    },
  })
}
