import { describe, expect, test } from 'vitest'

import { describeFailure, type Failure } from '../../src/index.ts'

const tls = (code: string, message = ''): Failure => ({ kind: 'tls', code, message })

describe('a TLS failure in words', () => {
  test.each<[Failure, string]>([
    [tls('ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED'), 'the server requires a client certificate'],
    // The name is only in the message.
    [
      tls('EPROTO', 'tlsv1 alert unknown ca'),
      'the server refused our client certificate, because it does not know its CA',
    ],
    // Newer versions of OpenSSL.
    [tls('ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE'), 'the server refused the TLS handshake: it may require'],
    [
      tls('ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED'),
      'the server refused our client certificate, because it has expired',
    ],
    [
      tls('ERR_SSL_SSLV3_ALERT_CERTIFICATE_REVOKED'),
      'the server refused our client certificate, because it was revoked',
    ],
    [tls('ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION'), 'the server refused our version of TLS'],
    [tls('ERR_SSL_TLSV1_UNRECOGNIZED_NAME'), 'the server has no certificate for this host name (SNI)'],
    [tls('CERT_HAS_EXPIRED', 'certificate has expired'), 'the certificate of the server has expired'],
    [tls('CERT_NOT_YET_VALID', 'certificate is not yet valid'), 'the certificate of the server is not valid yet'],
    [tls('ERR_TLS_CERT_ALTNAME_INVALID', 'Host: a.'), 'the certificate of the server is for another name (Host: a.)'],
    [
      tls('SELF_SIGNED_CERT_IN_CHAIN', 'self-signed'),
      'the certificate of the server is from an unknown CA (self-signed): if it is yours, give its certificate by the option ca',
    ],
    [tls('UNABLE_TO_VERIFY_LEAF_SIGNATURE'), 'the certificate of the server is from an unknown CA'],
    [tls('ERR_SSL_WRONG_VERSION_NUMBER', 'wrong version number'), 'the server does not speak TLS on this port'],
    [tls('EPROTO', 'packet length too long'), 'the server does not speak TLS on this port'],
    [tls('ERR_TLS_INVALID_CONTEXT', 'something else'), 'something else'],
  ])('%o', (failure, words) => {
    expect(describeFailure(failure)).toContain(words)
    expect(describeFailure(failure).startsWith(words)).toBe(true)
  })
})

const limits = 'be at its limit of connections, be a proxy whose backend is down'
const otherProtocol = 'it may speak TLS or WebSocket on this port'
const noTls = 'it may not speak TLS on this port'
const noWebSocket = 'it may not speak WebSocket on this port'

test.each<[Failure, string]>([
  [
    { kind: 'closed', beforeConnack: true },
    `the server closed the connection before the CONNACK: ${otherProtocol}, ${limits}`,
  ],
  [{ kind: 'closed' }, 'the server closed the connection without giving a reason'],
  [
    { kind: 'closed', silence: 59_900, keepalive: 60_000 },
    'the server, or something in between, closed the connection after 59.9 s of silence; keep alive is 60 s',
  ],
  [
    { kind: 'closed', silence: 350_000, keepalive: 0 },
    'the server, or something in between, closed the connection after 350.0 s of silence; keep alive is off',
  ],
  [
    { kind: 'socket', code: 'ECONNRESET', message: 'read ECONNRESET', beforeConnack: true },
    `the server reset the connection before the CONNACK (read ECONNRESET): ${otherProtocol}, ${limits}`,
  ],
  [{ kind: 'socket', code: 'ECONNRESET', message: 'read ECONNRESET' }, 'read ECONNRESET'],
  [
    { kind: 'socket', message: 'Socks5 Authentication failed', bySource: true },
    'the function socket could not open a connection: Socks5 Authentication failed',
  ],
  [
    {
      kind: 'socket',
      code: 'ECONNRESET',
      message: 'Client network socket disconnected before secure TLS connection was established',
      beforeConnack: true,
    },
    `the server closed the connection during the TLS handshake: ${noTls}, ${limits}`,
  ],
  [
    { kind: 'socket', code: 'ECONNRESET', message: 'read ECONNRESET', beforeConnack: true, handshake: 'tls' },
    `the server reset the connection before the CONNACK (read ECONNRESET): ${noTls}`,
  ],
  [
    { kind: 'socket', code: 'ECONNRESET', message: 'socket hang up', beforeConnack: true, handshake: 'websocket' },
    `the server reset the connection before the CONNACK (socket hang up): ${noWebSocket}`,
  ],
  [
    { kind: 'refresh', name: 'TypeError', code: 'ENOTFOUND' },
    'the credentials source failed with TypeError (ENOTFOUND)',
  ],
  [{ kind: 'refresh', name: 'Error' }, 'the credentials source failed with Error'],
  [{ kind: 'protocol', message: 'a TLS alert', speaks: 'tls' }, 'the server speaks TLS on this port (a TLS alert)'],
  [
    { kind: 'protocol', message: 'HTTP/1.1 400 Bad Request', speaks: 'http' },
    'the server speaks HTTP on this port (HTTP/1.1 400 Bad Request)',
  ],
  [{ kind: 'protocol', message: 'two CONNACK' }, 'the server broke the protocol: two CONNACK'],
  [{ kind: 'refused', protocolVersion: 4, reasonCode: 1 }, 'connection refused: unacceptable protocol version'],
  [{ kind: 'refused', protocolVersion: 5, reasonCode: 0xc5 }, 'connection refused: reason code 0xc5'],
  [
    { kind: 'disconnected', reasonCode: 0x87, reauthenticating: true },
    'the server disconnected while the client renewed its credentials by AUTH: not authorized',
  ],
  [
    { kind: 'closed', reauthenticating: true },
    'the server closed the connection while the client renewed its credentials by AUTH',
  ],
  [
    { kind: 'timeout', phase: 'authentication' },
    'enhanced authentication did not end in time: the server did not answer AUTH, or the application did not',
  ],
  [
    { kind: 'authentication', step: 'respond', name: 'TypeError' },
    'options.authentication: respond failed with TypeError',
  ],
  [
    { kind: 'authentication', step: 'verify', name: 'Error' },
    'options.authentication: verify refused what the server sent to prove its identity, with Error',
  ],
  [{ kind: 'disconnected', reasonCode: 0x04 }, 'the server disconnected: disconnect with will message'],
])('%o', (failure, words) => {
  expect(describeFailure(failure).startsWith(words)).toBe(true)
})
