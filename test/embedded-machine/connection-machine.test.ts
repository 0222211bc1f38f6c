import { expect, test } from 'vitest'
import { createActor } from 'xstate'

import { createConnectionMachine } from '../../src/index.ts'
import { rejection } from '../support/promises.ts'
import { startServer } from '../support/servers.ts'

const disposed = { name: 'ClientDisposedError' }

test('accepts no calls after its end', async () => {
  const connection = createConnectionMachine({ url: 'mqtt://127.0.0.1' })
  const pending = [connection.publish('a', 'x'), connection.subscribe('a', () => {}).ready]
  connection[Symbol.dispose]()
  for (const each of pending) expect(await rejection(each)).toMatchObject(disposed)
  const publishing = connection.publish('a', 'x', { qos: 1 })
  expect(await rejection(publishing)).toMatchObject(disposed)
  expect(await rejection(publishing.accepted)).toMatchObject(disposed)
  expect(() => connection.subscribe('a', () => {})).toThrow('disposed')
  expect(() => connection.subscribe('a')).toThrow('disposed')
})

test('carries messages for an actor of the application', async () => {
  const server = await startServer()
  using connection = createConnectionMachine({ url: server.url })
  const actor = createActor(connection.machine, { input: connection.input }).start()
  actor.send({ type: 'CONNECT' })
  await connection.publish('a', 'x', { qos: 1 })
  expect(server.received('publish')).toHaveLength(1)
  actor.stop()
})
