import { expect, test } from 'vitest'

import type { ScriptedConnection } from '../../testing/index.ts'
import { startClient } from '../support/recorded-client.ts'
import { serve } from '../support/servers.ts'

const soon = { reconnect: { initialDelay: 1, maxDelay: 1, jitter: 'none' } } as const

test.each<[string, (connection: ScriptedConnection) => void, number]>([
  ['1002 and "unauthenticated", as RabbitMQ does', (connection) => connection.close(1002, 'unauthenticated'), 2],
  ['4401', (connection) => connection.close(4401), 2],
  ['no code', (connection) => connection.reset(), 4],
])(
  'a WebSocket broker refuses an expired token with %s: new credentials are asked for',
  async (_, refuse, attempts) => {
    const server = await serve('ws', {
      script: {
        steps: [
          {
            at: 'connect',
            do: (connection, { password }) => {
              if (String(password) === 'expired') refuse(connection)
              else connection.send({ cmd: 'connack', returnCode: 0, sessionPresent: false })
            },
          },
        ],
      },
    })
    const tokens = ['expired', 'new']
    const { client, heard } = startClient({
      ...soon,
      url: server.url,
      credentials: () => ({ username: 'me', password: tokens.shift() ?? 'none' }),
    })
    await client.connect()
    expect(heard('tokenRefreshed').map(({ reason }) => reason)).toEqual(['initial', 'refused'])
    expect(server.connections).toHaveLength(attempts)
  },
)
