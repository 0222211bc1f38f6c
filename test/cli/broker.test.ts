import { expect, test, vi } from 'vitest'

import { ResilientMqttClient } from '../../src/index.ts'
import { createShell } from './shell.ts'

test('prints where it listens and what clients publish, and ends at Ctrl-C', async () => {
  const { run, stdout, stderr, interrupt } = createShell()
  const ended = run('broker', '--port', '0', '--ws-port', '0')
  await vi.waitFor(() =>
    expect(stdout()).toMatch(/^Broker: mqtt:\/\/127\.0\.0\.1:\d+ and ws:\/\/127\.0\.0\.1:\d+\/mqtt\n$/),
  )
  const [url = '', wsUrl = ''] = stdout().match(/\w+:\/\/\S+/g) ?? []

  for (const each of [url, wsUrl]) {
    await using client = new ResilientMqttClient({ url: each, options: { clientId: 'lamp\u001B[2J' } })
    await client.connect()
    await client.publish('home/lamp', 'on', { qos: 1, retain: true })
    await client.publish('home/lamp', '0')
    await client.disconnect()
  }
  interrupt()
  expect(await ended).toBe(0)
  const printed = stdout().split('\n').slice(1, -1)
  expect(printed).toHaveLength(4)
  expect(printed[0]).toMatch(/^lamp.* → home\/lamp \(QoS 1, retained, 2 bytes\)$/)
  expect(printed[1]).toMatch(/^lamp.* → home\/lamp \(QoS 0, 1 byte\)$/)
  expect(stdout()).not.toContain('\u001B')
  expect(stderr()).toBe('')
})

test('a port that is taken is an error without a stack trace', async () => {
  const first = createShell()
  const ended = first.run('broker', '--port', '0')
  await vi.waitFor(() => expect(first.stdout()).toContain('mqtt://'))
  const [, port = ''] = /:(\d+)\n/.exec(first.stdout()) ?? []
  const second = createShell()
  expect(await second.run('broker', '--port', port)).toBe(1)
  expect(second.stderr()).toBe(
    `xstate-mqtt broker: port ${port} is taken: choose another one by --port; --port 0 takes a free one\n`,
  )
  const third = createShell()
  expect(await third.run('broker', '--port', '0', '--ws-port', port)).toBe(1)
  expect(third.stderr()).toContain(`port ${port} is taken: choose another one by --ws-port`)
  first.interrupt()
  expect(await ended).toBe(0)
})
