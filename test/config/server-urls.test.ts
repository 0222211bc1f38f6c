import { expect, test, vi } from 'vitest'

import { parseUrls } from '../../src/config/server-urls.ts'
import { hostname, hostOf } from '../../src/mqtt/server-url.ts'
import { range } from '../support/range.ts'

// Once V8 has optimized a call of it, `URL.canParse` of Node 20.20 refuses such a host of a WebSocket.
test('a host with an umlaut stays valid, however often URLs are checked', () => {
  const accepts = () => {
    try {
      return parseUrls('url', 'wss://b\u00fccher.example').length === 1
    } catch {
      return false
    }
  }
  expect(range(100_000).filter(() => !accepts())).toEqual([])
  expect(hostname('b\u00fccher.example')).toBe('xn--bcher-kva.example')
  expect(hostOf('b\u00fccher.example')).toBe('b\u00fccher.example')
})

test('the URL class of React Native, which finds no host, is named', () => {
  class PartialUrl extends URL {
    override get hostname(): string {
      return this.protocol.startsWith('http') ? super.hostname : ''
    }
  }
  vi.stubGlobal('URL', PartialUrl)
  expect(() => parseUrls('url', 'wss://example.com/mqtt')).toThrow(
    "url can't be parsed by the URL class of this runtime",
  )
})
