import { describe, expect, test } from 'vitest'

import { runtimeOf } from '../../src/client.ts'
import { type ConnectOptions, MessageRefusedError } from '../../src/index.ts'
import { turns, until } from '../support/event-loop.ts'
import { scriptedClient, sessionIs, versions } from '../support/scripted-client.ts'

const nothing = () => {}
const failure = new Error('the database is down')

/** One call for a message that no subscription matches. */
interface Call {
  readonly text: string
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

describe.each(versions)(
  'messages that no subscription matches, and that are processed, MQTT $version',
  ({ version }) => {
    /** A client, the calls for such messages, and a message of QoS 2 that was released. */
    async function sceneOf(connect: ConnectOptions = {}) {
      const { server, client } = await scriptedClient({ version, connect, script: sessionIs(true), onMessage: nothing })
      const calls: Call[] = []
      runtimeOf(client).onUnmatched = ({ payload }) =>
        new Promise((resolve, reject) => calls.push({ text: new TextDecoder().decode(payload), resolve, reject }))
      await client.connect()
      server.publish('a', 'first', { qos: 2, messageId: 7 })
      await until(() => calls.length === 1)
      const connected = new Promise((resolve) => client.once('connected', resolve))
      const interrupted = new Promise((resolve) => client.once('connectionInterrupted', resolve))
      /** The broker sends the PUBREL on the next connection again, and a further message. */
      const continues = () => {
        server.send({ cmd: 'pubrel', messageId: 7 })
        server.publish('a', 'later', { qos: 1, messageId: 8 })
      }
      return { server, client, calls, connected, interrupted, continues }
    }

    test.each(['while it is open', 'after it ended'])('are delivered again if that fails %s', async (when) => {
      const { server, client, calls, connected, interrupted, continues } = await sceneOf()
      if (when === 'after it ended') {
        server.kick()
        await interrupted
      }
      calls[0]?.reject(failure)
      await connected
      continues()
      await until(() => calls.length === 3)
      expect(calls.map(({ text }) => text)).toEqual(['first', 'first', 'later'])
      calls[2]?.resolve()
      await turns()
      expect(server.received('puback'), 'in the order of the messages').toEqual([])
      calls[1]?.resolve()
      await server.waitFor('puback')
      expect(server.received('pubcomp')).toMatchObject([{ messageId: 7 }])
      expect(client.status.inbox.heldBack).toBe(0)
    })

    test('are not delivered again as long as that is under way, also if the connection ends', async () => {
      const { server, client, calls, connected, continues } = await sceneOf()
      calls[0]?.reject(failure)
      await connected
      server.send({ cmd: 'pubrel', messageId: 7 })
      await until(() => calls.length === 2)
      const reconnected = new Promise((resolve) => client.once('connected', resolve))
      server.kick()
      await reconnected
      continues()
      await until(() => calls.length === 3)
      for (const { resolve } of calls) resolve()
      await server.waitFor('puback')
      expect(calls.map(({ text }) => text)).toEqual(['first', 'first', 'later'])
      expect(server.received('pubcomp')).toMatchObject([{ messageId: 7 }])
    })

    test('are acknowledged if that fails, and the broker does not keep the session', async () => {
      const { server, client, calls } = await sceneOf({ clean: true })
      calls[0]?.reject(failure)
      await server.waitFor('pubcomp')
      expect([calls.length, client.isConnected]).toEqual([1, true])
    })

    test('go to a subscription that matches by the time that they come again', async () => {
      const { server, client, calls, connected, continues } = await sceneOf()
      const texts: string[] = []
      client.subscribe('a', (message) => void texts.push(message.text()), { qos: 2 })
      calls[0]?.reject(failure)
      await connected
      continues()
      await server.waitFor('puback')
      expect(server.received('pubcomp')).toHaveLength(1)
      expect([texts, calls.length]).toEqual([['first', 'later'], 1])
    })

    test('are not delivered again if they are refused between two connections', async () => {
      const { server, calls, connected, interrupted, continues } = await sceneOf()
      server.kick()
      await interrupted
      calls[0]?.reject(new MessageRefusedError())
      await connected
      continues()
      await server.waitFor('pubcomp')
      expect(calls.map(({ text }) => text)).toEqual(['first', 'later'])
    })
  },
)
