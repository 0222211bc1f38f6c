import { expect, onTestFinished, test } from 'vitest'

import { connectVisualizer } from '../../visualizer/index.ts'
import { startLamp } from '../support/lamp.ts'
import { openViewer, startVisualizer, type AnyMessage, type Peer } from './viewer.ts'

/** Starts apps with the same name. Each resolves when the page knows its actor, and ends without a word, as if killed. */
function apps(url: string, viewer: Peer) {
  let last = 0
  return async (name = 'gateway') => {
    const feedId = `f${++last}`
    const feed = connectVisualizer(url, { name })
    onTestFinished(() => feed.close())
    startLamp(feed.inspect)
    await viewer.until(({ type, sessionId }) => type === '@xstate.actor' && sessionId.startsWith(`${feedId}/`))
    return async () => {
      feed.close()
      await viewer.until((message) => message.feedId === feedId && message.status === 'offline')
    }
  }
}

const isSuperseded = (message: AnyMessage) => message.supersededAt !== undefined

/** The feeds that a page gets that opens now, and whose actors. */
async function known(visualizer: { readonly url: string }) {
  const { messages } = await openViewer(visualizer)
  const feeds = messages.filter(({ type, feedId }) => type === '@xstate-mqtt.feed' && feedId !== 'local')
  const actors = messages.filter(({ type }) => type === '@xstate.actor')
  return {
    feeds: feeds.map((feed) => `${feed.feedId} ${isSuperseded(feed) ? 'superseded' : feed.status}`),
    actors: [...new Set(actors.map(({ sessionId }) => sessionId.split('/')[0]))],
  }
}

test('of an app that was restarted, the server keeps the last process before the current one', async () => {
  const visualizer = await startVisualizer()
  const viewer = await openViewer(visualizer)
  const start = apps(visualizer.url, viewer)
  for (let restart = 0; restart < 3; restart++) await (await start())()
  await start()
  const { sessionIds } = await viewer.until(({ type, feedId }) => type === '@xstate-mqtt.forgotten' && feedId === 'f2')
  expect(sessionIds).toEqual([expect.stringMatching(/^f2\//)])
  expect(await known(visualizer)).toEqual({ feeds: ['f3 superseded', 'f4 online'], actors: ['f3', 'f4'] })
  expect(viewer.of('@xstate-mqtt.feed').findLast(({ feedId }) => feedId === 'f3')).toMatchObject({
    offlineSince: expect.any(Number),
    supersededAt: expect.any(Number),
  })
})

test('one process takes the place of one: of two that died, the other stays news', async () => {
  const visualizer = await startVisualizer()
  const viewer = await openViewer(visualizer)
  const start = apps(visualizer.url, viewer)
  const [one, two, other] = [await start(), await start(), await start('other')]
  await one()
  await two()
  await other()
  await start()
  await viewer.until(isSuperseded)
  expect((await known(visualizer)).feeds).toEqual(['f1 superseded', 'f2 offline', 'f3 offline', 'f4 online'])
})
