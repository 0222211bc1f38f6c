import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { describe, expect, onTestFinished, test } from 'vitest'

import { freePort } from '../../measure/lab/ports.ts'
import { connectVisualizer, createVisualizer, type FeedStatus } from '../../visualizer/index.ts'
import { arrival, startVisualizer } from './viewer.ts'

function connect(url: string) {
  const feed = connectVisualizer(url, { name: 'app' })
  onTestFinished(() => feed.close())
  return feed
}

describe('a feed tells whether it is connected', () => {
  test('and that it is, in its status and by an event', async () => {
    const port = await freePort()
    const token = 'a token for this test'
    const feed = connect(`http://127.0.0.1:${port}/?token=${encodeURIComponent(token)}`)
    const { arrived, until } = arrival<FeedStatus>()
    feed.on('statusChanged', () => {
      throw new Error('of the handler')
    })
    const off = feed.on('statusChanged', arrived)
    expect(feed.status).toMatchObject({ state: 'connecting', failures: 0, problem: undefined })
    const waiting = await until(({ state }) => state === 'waiting')
    expect(waiting.problem).toMatchObject({
      code: 'ECONNREFUSED',
      message: expect.stringMatching(/^Nothing listens/),
    })
    expect(waiting.nextAttemptAt).toBeGreaterThanOrEqual(waiting.since)
    const visualizer = await createVisualizer({ port, token })
    onTestFinished(() => visualizer.close())
    expect(await until(({ state }) => state === 'connected')).toMatchObject({ failures: 0, problem: undefined })
    await visualizer.close()
    await until(({ problem }) => problem?.code === 'CLOSED')
    off()
    feed.close()
    expect(feed.status).toMatchObject({ state: 'closed', nextAttemptAt: undefined })
  })

  test.each([
    ['the token is wrong', 401, 'The visualizer refused the token.'],
    ['the server is no visualizer', 200, 'The server answered with HTTP 200.'],
  ])('if %s', async (_, status, message) => {
    const visualizer = await startVisualizer()
    const other = createHttpServer((__, response) => response.end('<h1>planted</h1>')).listen(0, '127.0.0.1')
    onTestFinished(() => void other.close())
    await once(other, 'listening')
    const { port } = other.address() as { port: number }
    const url =
      status === 401 ? visualizer.url.replace(/token=.*/, 'token=planted-secret') : `http://127.0.0.1:${port}/`
    const feed = connect(url)
    const { arrived, until } = arrival<FeedStatus>()
    feed.on('statusChanged', arrived)
    const { problem } = await until(({ state }) => state === 'waiting')
    expect(problem).toMatchObject({ code: `HTTP_${status}`, message: expect.stringContaining(message) })
    expect(JSON.stringify(feed.status)).not.toContain('planted')
  })
})
