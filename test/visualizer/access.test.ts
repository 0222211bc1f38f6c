import type { IncomingMessage } from 'node:http'
import { hostname } from 'node:os'
import { describe, expect, test } from 'vitest'

import { Access } from '../../visualizer/serve/access.ts'

const PORT = 7878

function ask(headers: { host?: string; origin?: string }): IncomingMessage {
  return { headers, socket: { localPort: PORT } } as unknown as IncomingMessage
}

describe('the Host header', () => {
  test.each<[bound: string, host: string, accepted: boolean]>([
    ['127.0.0.1', '127.0.0.1:7878', true],
    ['127.0.0.1', 'localhost:7878', true],
    ['127.0.0.1', 'LOCALHOST:7878', true],
    ['127.0.0.1', '[::1]:7878', true],
    ['::1', '[::1]:7878', true],
    ['127.0.0.1', '127.0.0.1', false],
    ['127.0.0.1', '127.0.0.1:78780', false],
    ['127.0.0.1', '192.168.0.7:7878', false],
    ['127.0.0.1', 'rebound.example:7878', false],
    ['127.0.0.1', `${hostname()}.:7878`, false],
    ['0.0.0.0', '192.168.0.7:7878', true],
    ['0.0.0.0', '[fe80::1]:7878', true],
    ['0.0.0.0', `${hostname()}:7878`, true],
    ['0.0.0.0', 'rebound.example:7878', false],
    ['0.0.0.0', '192.168.0.7.rebound.example:7878', false],
    ['board.example', 'board.example:7878', true],
    ['board.example', 'other.example:7878', false],
  ])('bound to %s, %s: %s', (bound, host, accepted) => {
    expect(new Access('token', bound, []).host(ask({ host })) === undefined).toBe(accepted)
  })

  test('is needed', () => {
    expect(new Access('token', '127.0.0.1', []).host(ask({}))).toMatchObject({ status: 403 })
  })
})

test.each<[path: string, accepted: boolean]>([
  ['/?token=the%20token', true],
  ['/?token=the+token', true],
  ['/?token=the%20token&token=other', true],
  ['/?token=other&token=the%20token', false],
  ['/?token=the%20token%00', false],
  ['/?token=the%20Token', false],
  ['/?Token=the%20token', false],
  ['/', false],
])('the token of %s', (path, accepted) => {
  const access = new Access('the token', '127.0.0.1', [])
  expect(access.token(new URL(path, 'http://localhost')) === undefined).toBe(accepted)
})
