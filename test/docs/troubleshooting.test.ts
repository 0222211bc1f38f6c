import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

import { describeFailure, type Failure } from '../../src/index.ts'

const page = readFileSync(new URL('../../docs/troubleshooting.md', import.meta.url), 'utf8')

/** What the page quotes of a failure, as `describeFailure` puts it. */
const quoted: [quote: string, failure: Failure][] = [
  ['not connected in time', { kind: 'timeout', phase: 'connect' }],
  ['no acknowledgement of a publish in time', { kind: 'timeout', phase: 'ack' }],
  ['no PINGRESP within 1.5 × keep alive', { kind: 'keepalive' }],
  ['the server speaks TLS on this port', { kind: 'protocol', message: 'm', speaks: 'tls' }],
  ['the server speaks HTTP on this port', { kind: 'protocol', message: 'm', speaks: 'http' }],
  [
    'the server reset the connection before the CONNACK (read ECONNRESET)',
    { kind: 'socket', message: 'read ECONNRESET', beforeConnack: true },
  ],
  ['the server closed the connection before the CONNACK', { kind: 'closed', beforeConnack: true }],
  ['connection refused: not authorized', { kind: 'refused', reasonCode: 5, protocolVersion: 4 }],
  ['connection refused: not authorized', { kind: 'refused', reasonCode: 0x87, protocolVersion: 5 }],
  ['bad user name or password', { kind: 'refused', reasonCode: 4, protocolVersion: 4 }],
  ['bad user name or password', { kind: 'refused', reasonCode: 0x86, protocolVersion: 5 }],
  ['connection refused: identifier rejected', { kind: 'refused', reasonCode: 2, protocolVersion: 4 }],
  ['client identifier not valid', { kind: 'refused', reasonCode: 0x85, protocolVersion: 5 }],
  ['connection refused: unacceptable protocol version', { kind: 'refused', reasonCode: 1, protocolVersion: 4 }],
  ['unsupported protocol version', { kind: 'refused', reasonCode: 0x84, protocolVersion: 5 }],
  ['session taken over', { kind: 'disconnected', reasonCode: 0x8e }],
  ['message rate too high', { kind: 'disconnected', reasonCode: 0x96 }],
  ['HTTP 401', { kind: 'websocket', status: 401, message: 'm' }],
  ['HTTP 404', { kind: 'websocket', status: 404, message: 'm' }],
  ['the credentials source failed with', { kind: 'refresh', name: 'TypeError' }],
  ['the connection options failed with', { kind: 'options', name: 'TypeError' }],
]

test.each(quoted)('the page quotes “%s” of %j', (quote, failure) => {
  expect(describeFailure(failure)).toContain(quote)
  expect(page).toContain(`\`${quote}`)
})
