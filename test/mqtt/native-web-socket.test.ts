import { expect, test, vi } from 'vitest'

import { nodeWebSocket as ofBrowsers } from '../../src/mqtt/node-web-socket.browser.ts'
import { webSocketFactory } from '../../src/mqtt/web-socket.ts'

// As jest-environment-jsdom resolves it, which has `process.versions.node`, too.
vi.mock('ws', () => ({
  default: () => {
    throw new Error('ws does not work in the browser')
  },
}))

class NativeWebSocket extends EventTarget {
  readonly opened: readonly unknown[]

  constructor(...opened: unknown[]) {
    super()
    this.opened = opened
  }
}

test('the native WebSocket is used where `ws` is only a stub', () => {
  vi.stubGlobal('WebSocket', NativeWebSocket)
  const events = { onSocket: vi.fn(), onClose: vi.fn(), onRefused: vi.fn() }
  const socket = webSocketFactory(events)('ws://localhost/mqtt', ['mqtt'], {} as never) as NativeWebSocket
  expect(socket.opened).toEqual(['ws://localhost/mqtt', ['mqtt']])
  expect(events.onSocket).toHaveBeenCalledExactlyOnceWith(socket)

  socket.dispatchEvent(Object.assign(new Event('close'), { code: 1008, reason: 'expired' }))
  expect(events.onClose).toHaveBeenCalledExactlyOnceWith(1008, 'expired')
})

test('bundles for browsers have no `ws` at all', () => {
  expect(ofBrowsers).toBeUndefined()
})
