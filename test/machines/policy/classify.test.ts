import { describe, expect, test } from 'vitest'

import type { Disposition, Failure } from '../../../machines/failure.ts'
import { classify, objectsToPacket } from '../../../machines/index.ts'
import { fc } from '../../support/property.ts'

const connack = (protocolVersion: 3 | 4 | 5, reasonCode: number, serverReference?: string): Failure => ({
  kind: 'refused',
  protocolVersion,
  reasonCode,
  ...(serverReference === undefined ? {} : { serverReference }),
})
const disconnect = (reasonCode: number, serverReference?: string): Failure => ({
  kind: 'disconnected',
  reasonCode,
  ...(serverReference === undefined ? {} : { serverReference }),
})
const hex = (code: number) => `0x${code.toString(16).padStart(2, '0')}`
const allCodes = Array.from({ length: 256 }, (_, code) => code)

const withSource = { canRefresh: true }
const withoutSource = { canRefresh: false }

describe('failures without a code', () => {
  test.each<[string, Failure, Disposition]>([
    ['socket refused', { kind: 'socket', code: 'ECONNREFUSED', message: '' }, 'retry'],
    ['DNS', { kind: 'socket', code: 'ENOTFOUND', message: '' }, 'retry'],
    ['a TLS alert', { kind: 'tls', code: 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', message: '' }, 'retry'],
    ['no TLS', { kind: 'tls', code: 'EPROTO', message: 'wrong version number' }, 'retry'],
    ['a certificate of the future', { kind: 'tls', code: 'CERT_NOT_YET_VALID', message: '' }, 'retry'],
    ['an expired certificate', { kind: 'tls', code: 'CERT_HAS_EXPIRED', message: '' }, 'retry-later'],
    ['a wrong name', { kind: 'tls', code: 'ERR_TLS_CERT_ALTNAME_INVALID', message: '' }, 'retry-later'],
    ['an unknown CA', { kind: 'tls', code: 'DEPTH_ZERO_SELF_SIGNED_CERT', message: '' }, 'retry-later'],
    ['an unknown CA of a chain', { kind: 'tls', code: 'SELF_SIGNED_CERT_IN_CHAIN', message: '' }, 'retry-later'],
    ['a missing intermediate', { kind: 'tls', code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', message: '' }, 'retry-later'],
    ['a name of Object.prototype', { kind: 'tls', code: 'constructor', message: '' }, 'retry'],
    ['connect timeout', { kind: 'timeout', phase: 'connect' }, 'retry'],
    ['refresh timeout', { kind: 'timeout', phase: 'refresh' }, 'retry'],
    ['probe timeout', { kind: 'timeout', phase: 'probe' }, 'retry'],
    ['no messages', { kind: 'timeout', phase: 'traffic' }, 'retry'],
    ['SUBACK timeout', { kind: 'timeout', phase: 'restore' }, 'retry'],
    ['keep alive lost', { kind: 'keepalive' }, 'retry'],
    ['closed without a reason', { kind: 'closed' }, 'retry'],
    ['closed before the CONNACK', { kind: 'closed', beforeConnack: true, webSocket: true }, 'retry'],
    ['perhaps taken over', { kind: 'closed', suspicion: 'takeover' }, 'retry'],
    ['no MQTT', { kind: 'protocol', message: '' }, 'retry'],
    ['options failed', { kind: 'options', name: 'Error' }, 'retry'],
    ['transport threw', { kind: 'internal', actor: 'transport', message: '' }, 'retry'],
    ['subscriptions threw', { kind: 'internal', actor: 'subscriptions', message: '' }, 'retry'],
    ['refresh failed', { kind: 'refresh', name: 'TypeError' }, 'retry'],
    ['refresh failed with an error name that sounds final', { kind: 'refresh', name: 'InvalidTokenError' }, 'retry'],
    ['credentials are invalid', { kind: 'credentials' }, 'fatal'],
    ['no answer to AUTH', { kind: 'timeout', phase: 'authentication' }, 'retry'],
    ['authentication failed', { kind: 'authentication', step: 'start', name: 'Error' }, 'retry'],
    ['no answer to a challenge', { kind: 'authentication', step: 'respond', name: 'Error' }, 'retry'],
    ['a server without proof', { kind: 'authentication', step: 'verify', name: 'Error' }, 'retry-later'],
    ['the wrong account', { kind: 'authentication', step: 'respond', name: 'InvalidCredentialsError' }, 'fatal'],
  ])('%s', (_, failure, disposition) => {
    expect(classify(failure, withSource)).toBe(disposition)
    expect(classify(failure, withoutSource)).toBe(disposition)
  })
})

describe('WebSocket upgrade', () => {
  test.each<[number | undefined, Disposition]>([
    [401, 'refresh'],
    [403, 'refresh'],
    [400, 'retry'],
    [301, 'retry-later'],
    [302, 'retry-later'],
    [308, 'retry-later'],
    [404, 'retry-later'],
    [407, 'retry'],
    [429, 'retry-later'],
    [500, 'retry'],
    [502, 'retry'],
    [503, 'retry'],
    [undefined, 'retry'],
  ])('status %s', (status, disposition) => {
    const failure: Failure = { kind: 'websocket', message: '', ...(status === undefined ? {} : { status }) }
    expect(classify(failure, withSource)).toBe(disposition)
    const without = disposition === 'refresh' ? 'retry' : disposition
    expect(classify(failure, withoutSource), 'without a credentials source').toBe(without)
  })

  test('a Retry-After is a retry, which waits that long', () => {
    for (const status of [429, 503]) {
      expect(classify({ kind: 'websocket', status, retryAfter: 1_000, message: '' }, withSource)).toBe('retry')
    }
  })

  test.each<[number, string, Disposition]>([
    [1000, '', 'retry'],
    [1002, 'protocol error', 'retry'],
    [1006, '', 'retry'],
    [1011, 'internal', 'retry'],
    [1008, '', 'refresh'],
    [4401, '', 'refresh'],
    [4403, '', 'refresh'],
    [1002, 'unauthenticated', 'refresh'],
    [1002, 'Not Authorized', 'refresh'],
    [3000, 'Unauthorized', 'refresh'],
    [4000, 'forbidden', 'refresh'],
    [4000, 'token expired', 'refresh'],
  ])('close code %d %s', (closeCode, reason, disposition) => {
    const failure: Failure = { kind: 'websocket', closeCode, message: `WebSocket closed: ${closeCode} ${reason}` }
    expect(classify(failure, withSource)).toBe(disposition)
    expect(classify(failure, withoutSource)).toBe('retry')
  })

  test.each<[Failure, Disposition]>([
    [{ kind: 'closed', beforeConnack: true, webSocket: true }, 'refresh'],
    // What a browser reports for every refused upgrade.
    [{ kind: 'websocket', beforeConnack: true, message: 'WebSocket error' }, 'refresh'],
    [{ kind: 'closed', beforeConnack: true }, 'retry'],
    [{ kind: 'closed', webSocket: true }, 'retry'],
    [{ kind: 'websocket', beforeConnack: true, status: 502, message: '' }, 'retry'],
    [{ kind: 'socket', code: 'ECONNREFUSED', message: '' }, 'retry'],
    [{ kind: 'timeout', phase: 'connect' }, 'retry'],
  ])('suspected credentials: %o', (failure, disposition) => {
    expect(classify(failure, { canRefresh: true, suspectsCredentials: true })).toBe(disposition)
    expect(classify(failure, { canRefresh: false, suspectsCredentials: true })).toBe('retry')
  })
})

type Table = Partial<Record<Disposition, readonly number[]>>

const connack3: Table = { fatal: [1, 2], retry: [3], refresh: [4, 5] }

const connack5: Table = {
  retry: [0x80, 0x83, 0x88],
  'retry-later': [0x89, 0x97, 0x9f],
  refresh: [0x86, 0x87],
  redirect: [0x9c, 0x9d],
  fatal: [0x81, 0x82, 0x84, 0x85, 0x8a, 0x8c, 0x90, 0x95, 0x99, 0x9a, 0x9b],
}

const objections = [0x81, 0x82, 0x8f, 0x90, 0x94, 0x95, 0x99, 0x9a, 0x9b, 0x9e, 0xa1, 0xa2]

const disconnect5: Table = {
  retry: [0x00, 0x80, 0x83, 0x8b, 0x8d, 0x93, 0xa0, ...objections],
  'retry-later': [0x89, 0x96, 0x97, 0x9f],
  refresh: [0x87, 0x98],
  redirect: [0x9c, 0x9d],
  fatal: [0x8e],
}

const rows = (table: Table) =>
  Object.entries(table).flatMap(([disposition, codes]) =>
    codes.map((code) => [hex(code), code, disposition as Disposition] as const),
  )
const listed = (table: Table) => new Set(Object.values(table).flat())

describe.each([
  ['CONNACK 3.1', connack3, (code: number, reference?: string) => connack(3, code, reference), 'fatal'],
  ['CONNACK 3.1.1', connack3, (code: number, reference?: string) => connack(4, code, reference), 'fatal'],
  ['CONNACK 5.0', connack5, (code: number, reference?: string) => connack(5, code, reference), 'fatal'],
  ['DISCONNECT 5.0', disconnect5, disconnect, 'retry'],
] as const)('%s', (_, table, failure, refreshWithoutSource) => {
  test.each(rows(table))('%s', (__, code, disposition) => {
    expect(classify(failure(code, 'other:1883'), withSource)).toBe(disposition)
    const without = disposition === 'refresh' ? refreshWithoutSource : disposition
    expect(classify(failure(code, 'other:1883'), withoutSource), 'without a credentials source').toBe(without)
    const noReference = disposition === 'redirect' ? 'retry' : disposition
    expect(classify(failure(code), withSource), 'without a server reference').toBe(noReference)
    expect(classify(failure(code, ''), withSource), 'with an empty server reference').toBe(noReference)
  })

  test('any other code is transient', () => {
    const known = listed(table)
    const others = allCodes.filter((code) => !known.has(code))
    expect(others.length).toBeGreaterThan(200)
    for (const code of others) expect(classify(failure(code, 'other:1883'), withSource), `code ${code}`).toBe('retry')
  })
})

test.each([5, 4] as const)(
  'a refused version of which another one follows is a retry, code of version %d',
  (version) => {
    const failure: Failure = { kind: 'refused', protocolVersion: version, reasonCode: version === 5 ? 0x84 : 1 }
    expect(classify(failure, withSource)).toBe('fatal')
    expect(classify({ ...failure, nextVersion: 4 }, withSource)).toBe('retry')
  },
)

describe('session taken over', () => {
  test.each<['fail' | 'retry-later' | undefined, Disposition]>([
    [undefined, 'fatal'],
    ['fail', 'fatal'],
    ['retry-later', 'retry-later'],
  ])('onTakeover %s', (onTakeover, disposition) => {
    const options = onTakeover ? { ...withSource, onTakeover } : withSource
    expect(classify(disconnect(0x8e), options)).toBe(disposition)
  })

  test('has no meaning in a CONNACK', () => {
    expect(classify(connack(5, 0x8e), withSource)).toBe('retry')
  })
})

describe('override', () => {
  test('decides single cases, and receives the disposition of the table', () => {
    const seen: unknown[] = []
    const override = (failure: Failure, disposition: Disposition) => {
      seen.push([failure.kind, disposition])
      return failure.kind === 'tls' ? 'fatal' : undefined
    }
    expect(classify({ kind: 'tls', message: '' }, { canRefresh: false, override })).toBe('fatal')
    expect(classify(connack(5, 0x87), { canRefresh: true, override })).toBe('refresh')
    expect(classify(connack(5, 0x87), { canRefresh: false, override })).toBe('fatal')
    expect(seen).toEqual([
      ['tls', 'retry'],
      ['refused', 'refresh'],
      ['refused', 'fatal'],
    ])
  })

  test('can turn a fatal failure into a transient one', () => {
    expect(classify({ kind: 'credentials' }, { canRefresh: true, override: () => 'retry' })).toBe('retry')
    expect(classify(disconnect(0x8e), { canRefresh: true, override: () => 'retry-later' })).toBe('retry-later')
  })

  test('is ignored if it throws', () => {
    const override = () => {
      throw new Error('broken')
    }
    expect(classify({ kind: 'closed' }, { canRefresh: true, override })).toBe('retry')
    expect(classify(connack(5, 0x8a), { canRefresh: true, override })).toBe('fatal')
  })
})

describe('failures that cast suspicion on a packet', () => {
  test('are only DISCONNECTs that object to one of our packets', () => {
    expect(allCodes.filter((code) => objectsToPacket(disconnect(code)))).toEqual(objections)
    expect(allCodes.filter((code) => objectsToPacket(connack(5, code)))).toEqual([])
    expect(objectsToPacket({ kind: 'protocol', message: '' })).toBe(false)
    expect(objectsToPacket({ kind: 'disconnected', reasonCode: 0x82, reauthenticating: true })).toBe(false)
  })
})

test('every failure has a disposition', () => {
  const dispositions: Disposition[] = ['retry', 'retry-later', 'refresh', 'redirect', 'fatal']
  const failures = fc.oneof(
    fc.integer().map((code) => connack(5, code)),
    fc.integer().map((code) => connack(4, code)),
    fc.integer().map((code) => disconnect(code)),
    fc.string().map((kind) => ({ kind }) as never),
  )
  fc.assert(
    fc.property(failures, fc.boolean(), (failure, canRefresh) => {
      expect(dispositions).toContain(classify(failure, { canRefresh }))
    }),
  )
})
