import { rm, symlink, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test, vi } from 'vitest'

import { createVisualizer } from '../../visualizer/index.ts'
import { Redactor } from '../../visualizer/record/redact.ts'
import { startLamp } from '../support/lamp.ts'
import { openViewer, Peer, socketUrl, startVisualizer } from './viewer.ts'

interface Answer {
  readonly status: number
  readonly body: string
  readonly headers: Record<string, string | string[] | undefined>
}

/** Sends the path as it is, which `fetch` would tidy up. */
function get(url: string, path: string, { method = 'GET', headers = {} } = {}): Promise<Answer> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, path, method, headers, agent: false }, (response) => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => (body += chunk))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body, headers: response.headers }))
    })
    sent.on('error', reject)
    sent.end()
  })
}

function pathOf(url: string): string {
  const { pathname, search } = new URL(url)
  return pathname + search
}

describe('the page', () => {
  test('is served on loopback to clients with the token, which is random', async () => {
    const visualizer = await startVisualizer()
    const other = await startVisualizer()
    const url = new URL(visualizer.url)
    expect(url.hostname).toBe('127.0.0.1')
    expect(url.searchParams.get('token')).toMatch(/^[\w-]{32}$/)
    expect(url.searchParams.get('token')).not.toBe(new URL(other.url).searchParams.get('token'))
    expect(await get(visualizer.url, pathOf(visualizer.url))).toMatchObject({
      status: 200,
      body: expect.stringContaining('<title>page'),
    })
    expect(await get(visualizer.url, '/page.js')).toMatchObject({
      status: 200,
      headers: { 'content-type': 'text/javascript; charset=utf-8' },
    })
  })

  test('loads nothing from other origins, and cannot be framed', async () => {
    const { url } = await startVisualizer()
    for (const path of [pathOf(url), '/', '/page.js', '/nothing']) {
      const { headers } = await get(url, path)
      const policy = String(headers['content-security-policy'])
      expect(policy).toContain("default-src 'none'")
      expect(policy).toContain("frame-ancestors 'none'")
      expect(policy).not.toMatch(/unsafe|\*|https?:|ws:/)
      expect(headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'cross-origin-resource-policy': 'same-origin',
        'cache-control': 'no-store',
      })
    }
  })

  test.each([
    ['no token', '/'],
    ['no token for the page by its name', '/index.html'],
    ['a wrong one', '/?token=wrong'],
    ['a longer one', '/?token=' + 'x'.repeat(5_000)],
    ['an empty one', '/?token='],
  ])('is refused with %s', async (_what, path) => {
    const { url } = await startVisualizer()
    expect(await get(url, path)).toMatchObject({ status: 401, body: expect.stringContaining('token') })
  })

  test.each([
    '/../secret.txt',
    '/..%2fsecret.txt',
    '/%2e%2e/secret.txt',
    '/..\\secret.txt',
    '/....//secret.txt',
    '/assets/../../secret.txt',
    '//etc/passwd',
    '/etc/passwd',
    '/page.js%00.html',
    '/link.txt',
    '/.',
    '/page.js/',
  ])('serves no path outside its folder: %s', async (path) => {
    const { url, pageFolder } = await startVisualizer()
    await writeFile(join(pageFolder, '..', 'secret.txt'), 'planted-secret')
    await symlink('/etc/hostname', join(pageFolder, 'link.txt'))
    const { status, body } = await get(url, path)
    expect([400, 404, 401]).toContain(status)
    expect(body).not.toContain('planted-secret')
  })

  test('says how to build it if it is not built', async () => {
    const { url, pageFolder } = await startVisualizer()
    await rm(join(pageFolder, 'index.html'))
    expect(await get(url, pathOf(url))).toMatchObject({ status: 503, body: expect.stringContaining('npm run build') })
  })

  test.each(['POST', 'PUT', 'DELETE', 'OPTIONS'])('rejects %s', async (method) => {
    const { url } = await startVisualizer()
    expect(await get(url, pathOf(url), { method })).toMatchObject({ status: 405, headers: { allow: 'GET, HEAD' } })
  })
})

describe('other sites', () => {
  test.each(['evil.example', 'evil.example:80', '127.0.0.1.evil.example', 'localhost.evil.example', '', '127.0.0.1'])(
    'that resolve to this server get nothing: Host %s',
    async (name) => {
      const { url } = await startVisualizer()
      const { port } = new URL(url)
      const host = name.includes(':') || name === '127.0.0.1' ? name : `${name}:${port}`
      expect(await get(url, pathOf(url), { headers: { host } })).toMatchObject({ status: 403 })
      const peer = new Peer(socketUrl({ url }, '/viewer'), { headers: { host } })
      expect(await peer.refused).toBe(403)
    },
  )

  test('do not include localhost', async () => {
    const { url } = await startVisualizer()
    const { port } = new URL(url)
    expect(await get(url, pathOf(url), { headers: { host: `localhost:${port}` } })).toMatchObject({ status: 200 })
  })

  test.each(['/viewer', '/feed', '/stately', '/'])('cannot open a WebSocket on %s', async (path) => {
    const visualizer = await startVisualizer()
    for (const origin of ['https://evil.example', 'null', 'http://127.0.0.1', 'http://localhost:1']) {
      expect(await new Peer(socketUrl(visualizer, path), { origin }).refused).toBe(403)
    }
  })

  test('in `origins` can report, but not view', async () => {
    const visualizer = await startVisualizer({ origins: ['http://localhost:5173'] })
    const origin = 'http://localhost:5173'
    await new Peer(socketUrl(visualizer, '/feed'), { origin }).opened
    expect(await new Peer(socketUrl(visualizer, '/viewer'), { origin }).refused).toBe(403)
    for (const other of [
      'http://localhost:517',
      'http://localhost:51730',
      'http://localhost',
      'https://localhost:5173',
    ]) {
      expect(await new Peer(socketUrl(visualizer, '/feed'), { origin: other }).refused).toBe(403)
    }
  })

  test('do not include the page itself', async () => {
    const visualizer = await startVisualizer()
    const peer = new Peer(socketUrl(visualizer, '/viewer'), { origin: new URL(visualizer.url).origin })
    await expect(peer.opened).resolves.toBeUndefined()
  })
})

describe('WebSockets', () => {
  test.each(['/viewer', '/feed', '/stately', '/'])('need the token on %s', async (path) => {
    const visualizer = await startVisualizer()
    const url = new URL(socketUrl(visualizer, path))
    url.searchParams.set('token', 'wrong')
    expect(await new Peer(url.href).refused).toBe(401)
    url.search = ''
    expect(await new Peer(url.href).refused).toBe(401)
  })

  test('do not exist on other paths', async () => {
    const visualizer = await startVisualizer()
    expect(await new Peer(socketUrl(visualizer, '/admin')).refused).toBe(404)
  })

  test('limit the size of messages', async () => {
    const visualizer = await startVisualizer()
    const viewer = new Peer(socketUrl(visualizer, '/viewer'))
    const feed = new Peer(socketUrl(visualizer, '/feed'))
    await Promise.all([viewer.opened, feed.opened])
    const closed = Promise.all([viewer.closed, feed.closed])
    viewer.socket.send('x'.repeat(20_000))
    feed.socket.send('x'.repeat(1_100_000))
    // 1009 is "message too big" (RFC 6455 §7.4.1).
    expect(await closed).toEqual([1009, 1009])
  })

  test('limit the number of viewers', async () => {
    const visualizer = await startVisualizer()
    const viewers = Array.from({ length: 20 }, () => new Peer(socketUrl(visualizer, '/viewer')))
    await Promise.all(viewers.map(({ opened }) => opened))
    expect(await new Peer(socketUrl(visualizer, '/viewer')).refused).toBe(503)
    const gone = viewers[0]!.closed
    viewers[0]!.socket.close()
    await gone
    await new Peer(socketUrl(visualizer, '/feed')).opened
  })

  test('ignore invalid messages', async () => {
    const visualizer = await startVisualizer()
    const feed = new Peer(socketUrl(visualizer, '/feed'))
    await feed.opened
    for (const frame of [
      '',
      '{',
      '[]',
      'null',
      '"@xstate.actor"',
      '{"type":5}',
      '{"type":"@xstate.snapshot"}',
      '\u0000',
    ]) {
      feed.socket.send(frame)
    }
    feed.socket.send(Buffer.from([0xff, 0xfe]))
    feed.send({ type: '@xstate-mqtt.batch', messages: [1, null, [], { type: '@xstate.event', sessionId: 7 }] })
    feed.send({
      type: '@xstate.actor',
      sessionId: 'x:0',
      name: 'lamp',
      snapshot: 'odd',
      definition: '{{',
      timers: 5,
      commands: ['rm -rf'],
    })
    const viewer = await openViewer(visualizer)
    expect(await viewer.until(({ type, name }) => type === '@xstate.actor' && name === 'lamp')).toMatchObject({
      snapshot: { status: 'active' },
      commands: [],
    })
  })

  const deep = (open: string, close: string) => open.repeat(5_000) + close.repeat(5_000)

  test.each<[string, string]>([
    ['definition', JSON.stringify(deep('{"states":{"a":', '}}').replace('a":}', 'a":{}}'))],
    ['definition', JSON.stringify(`{"states":{"a":{"on":{"E":${deep('[', ']')}}}}}`)],
    ['snapshot', `{"value":${deep('{"a":', '}').replace(':}', ':"b"}')}}`],
    ['snapshot', `{"context":${deep('[', ']')},"output":${deep('[', ']')}}`],
  ])('tolerate values nested thousands of levels deep: %s', async (field, text) => {
    const visualizer = await startVisualizer()
    const feed = new Peer(socketUrl(visualizer, '/feed'))
    await feed.opened
    const head = '{"type":"@xstate.actor","sessionId":"x:0","rootId":"x:0"'
    feed.socket.send(`${head},"name":"deep","${field}":${text}}`)
    feed.send({ type: '@xstate.actor', sessionId: 'x:1', name: 'lamp' })
    const viewer = await openViewer(visualizer)
    await viewer.until(({ type, name }) => type === '@xstate.actor' && name === 'lamp')
    expect(viewer.of('@xstate.actor').map(({ name }) => name)).toContain('deep')
  })

  test('end only the socket of a frame that throws unexpectedly', async () => {
    const visualizer = await startVisualizer()
    const viewer = await openViewer(visualizer)
    const feed = new Peer(socketUrl(visualizer, '/feed'))
    await feed.opened
    const broken = vi.spyOn(Redactor.prototype, 'event').mockImplementation(() => {
      throw new RangeError('of the test')
    })
    onTestFinished(() => broken.mockRestore())
    const { closed } = feed
    feed.send({ type: '@xstate.event', sessionId: 'x:0', event: { type: 'E' } })
    await closed
    expect(viewer.socket.readyState).toBe(viewer.socket.OPEN)
  })

  test('drop a viewer that does not read, without delaying others', async () => {
    const visualizer = await startVisualizer({}, 2 * 1024 * 1024)
    const { hostname, port, search } = new URL(visualizer.url)
    const deaf = connect(Number(port), hostname)
    deaf.on('error', () => {})
    const closed = new Promise<void>((resolve) => {
      deaf.once('close', () => resolve())
    })
    const upgraded = new Promise<void>((resolve) => {
      deaf.once('data', () => {
        deaf.pause()
        resolve()
      })
    })
    deaf.write(
      `GET /stately${search} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n',
    )
    await upgraded
    const lively = await openViewer(visualizer)
    const lamp = startLamp(visualizer.inspect)
    const note = Array.from({ length: 50 }, () => 'x'.repeat(290))
    // The other viewer shares our event loop. Without time to read, it would be dropped too.
    for (let portion = 0; portion < 14; portion += 1) {
      for (let index = 0; index < 40; index += 1) lamp.send({ type: 'NOTE', note })
      const last = `the last of ${portion}`
      lamp.send({ type: 'NOTE', note: last })
      await lively.until(({ type, snapshot }) => type === '@xstate.snapshot' && snapshot.context.note === last)
    }
    // Bytes that the kernel accepted before the drop must be read before the end is visible.
    deaf.resume()
    await closed
    expect(lively.socket.readyState).toBe(lively.socket.OPEN)
  })
})

describe('options', () => {
  test('reject a port in use', async () => {
    const { url } = await startVisualizer()
    await expect(createVisualizer({ port: Number(new URL(url).port) })).rejects.toMatchObject({
      code: 'EADDRINUSE',
      message: expect.stringMatching(/:\d+\. Is another visualizer running\? Port 0 takes a free port$/),
    })
  })

  test('accept a custom token', async () => {
    const visualizer = await startVisualizer({ token: 'a token & its odd signs' })
    expect(await get(visualizer.url, pathOf(visualizer.url))).toMatchObject({ status: 200 })
    await openViewer(visualizer)
  })
})
