import { expect, test } from 'vitest'

import { serverRows } from '../../visualizer/page/src/model/servers.ts'

const NOW = 1e12
const a = { server: 'mqtts://a:8883', priority: 0, failures: 0, coolingUntil: null, connectTime: 40, lastFailure: null }
const b = {
  ...a,
  server: 'mqtts://b:8883',
  priority: 1,
  failures: 2,
  coolingUntil: NOW + 59_001,
  connectTime: null,
  lastFailure: { kind: 'timeout', phase: 'connect' },
}
const inUse = { server: { current: a.server, redirect: null }, transport: true }
const said = 'last failure: not connected in time (with protocolVersion: 5, a broker without MQTT 5 may never answer)'

test.each<[string, Record<string, unknown>, string[]]>([
  ['no list', {}, []],
  ['a single server', { ...inUse, servers: [a] }, []],
  [
    'two servers',
    { ...inUse, servers: [a, b] },
    [
      'mqtts://a:8883 in use: priority 0, connected in 40 ms',
      `mqtts://b:8883 cooling down: priority 1, 1 min left, 2 failures, ${said}`,
    ],
  ],
  [
    'between two attempts',
    { ...inUse, transport: false, servers: [a, { ...b, coolingUntil: NOW }] },
    [
      'mqtts://a:8883 available: priority 0, connected in 40 ms',
      `mqtts://b:8883 available: priority 1, 2 failures, ${said}`,
    ],
  ],
  [
    'a server that has moved',
    { ...inUse, servers: [{ ...a, connectTime: null, movedTo: 'c:1' }] },
    ['mqtts://a:8883 in use: priority 0, moved to c:1'],
  ],
  [
    'a redirect',
    { ...inUse, server: { current: a.server, redirect: 'c' }, servers: [a] },
    ['c in use: the server referred to it', 'mqtts://a:8883 available: priority 0, connected in 40 ms'],
  ],
  // The context of another process may have any form.
  [
    'nonsense',
    { server: 5, servers: [null, { server: {}, failures: 'x' }] },
    ['undefined available: priority 0', '[object Object] available: priority 0'],
  ],
])('%s', (_, context, rows) => {
  const found = serverRows(context as never, NOW)
  expect(found.map(({ name, state, detail }) => `${name} ${state}: ${detail}`)).toEqual(rows)
})
