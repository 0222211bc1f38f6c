import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test, vi } from 'vitest'

import { openPage } from '../../cli/page.ts'
import { ResilientMqttClient } from '../../src/index.ts'

const createVisualizer = vi.hoisted(() => vi.fn<() => unknown>())
vi.mock('../../visualizer/index.ts', () => ({ createVisualizer }))
afterEach(() => createVisualizer.mockReset())

describe('a demo continues without its page', () => {
  test.each([
    ['when the server cannot listen', () => Promise.reject(new Error('listen EPERM')), 'No visualizer: listen EPERM'],
    ['when the page is not built', () => answering(503), 'No visualizer: its page is not built; run npm run build'],
  ])('%s', async (_, create, header) => {
    createVisualizer.mockImplementation(create)
    await using page = await openPage('demo')
    expect(page.header).toBe(header)
    expect(page.inspection).toEqual({})
    await using client = new ResilientMqttClient({ url: 'mqtt://localhost:1', ...page.inspection })
    page.watch(client, () => ({}))
  })
})

test('the page shows the client’s outbox and totals', async () => {
  const watch = vi.fn<(actor: unknown, sample: () => unknown) => () => void>()
  createVisualizer.mockImplementation(() => answering(200, watch))
  await using page = await openPage('demo')
  await using client = new ResilientMqttClient({ url: 'mqtt://localhost:1', ...page.inspection })
  page.watch(client, () => ({ published: 3, received: 2 }))
  client.publish('a', 'b').catch(() => {})

  expect(page.header).toMatch(/^Visualizer http:/)
  const [actor, sample] = watch.mock.calls[0] ?? []
  expect(actor).toBe(client.actor)
  expect(sample?.()).toEqual({ outbox: 1, outboxBytes: 2, inFlight: 0, published: 3, received: 2 })
})

async function answering(status: number, watch?: unknown) {
  const server = createServer((_, response) => response.writeHead(status).end())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    inspect: () => {},
    watch,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
