import type { IClientOptions } from 'mqtt'
import { createServer } from 'node:net'
import { join as joinPath } from 'node:path'
import { describe, expect, onTestFinished, test, vi } from 'vitest'

import ours from '../../mqttjs/index.ts'
import { type Scheme, serve, startServer, trusting } from '../support/servers.ts'
import { join, listen, startSocksServer } from '../support/socks-server.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { both, next, open, opened } from './both.ts'

const { ca } = trusting.tls

/** A server that is reached at `localhost:7` only through a SOCKS proxy. */
async function sceneOf(scheme: Scheme) {
  const server = await serve(scheme)
  const proxy = await startSocksServer((host) => (host === 'localhost' ? server.port : { error: 4 }))
  return { server, asked: proxy.asked, socksProxy: `socks5h://127.0.0.1:${proxy.port}` }
}

describe.each(both)('$name', ({ mqtt }) => {
  test.each(['mqtt', 'mqtts'] as const)('connects through a SOCKS proxy, each time, by %s', async (scheme) => {
    const { server, asked, socksProxy } = await sceneOf(scheme)
    const { client } = await opened(mqtt, `${scheme}://localhost:7`, { socksProxy, ca })
    await client.publishAsync('a', 'x'.repeat(200_000), { qos: 1 })
    server.kick()
    await next(client, 'connect')
    await client.endAsync()
    expect(server.received('disconnect')).toHaveLength(1)
    expect(asked).toEqual(['localhost:7', 'localhost:7'])
  })

  test('takes the proxy from the environment', async () => {
    const { asked, socksProxy } = await sceneOf('mqtt')
    proxyOfEnvironment(socksProxy)
    await opened(mqtt, 'mqtt://localhost:7')
    expect(asked).toEqual(['localhost:7'])
  })

  test('takes no proxy, also not from the environment, if the option is null', async () => {
    const server = await startServer({})
    proxyOfEnvironment('socks5h://127.0.0.1:1')
    await opened(mqtt, server.url, { socksProxy: null as never })
    expect(server.received('connect')).toHaveLength(1)
  })

  test('emits the error of a proxy, and tries again', async () => {
    const { asked, socksProxy } = await sceneOf('mqtt')
    const { client } = open(mqtt, 'mqtt://elsewhere:7', { socksProxy })
    const [error] = await next(client, 'error')
    expect(error.message).toContain('HostUnreachable')
    await next(client, 'error')
    expect(asked.slice(0, 2)).toEqual(['elsewhere:7', 'elsewhere:7'])
  })

  test.each<[string, (path: string) => readonly [string | undefined, IClientOptions]]>([
    ['a URL', (path) => [`mqtt+unix://${path}`, {}]],
    ['a URL and its path', (path) => ['mqtt+unix:', { path }]],
    ['options', (path) => [undefined, { protocol: 'mqtt', unixSocket: true, path }]],
  ])('connects to a Unix socket that is given by %s', async (_, argumentsFor) => {
    const server = await startServer({})
    const path = joinPath(temporaryFolder(), 'broker')
    await listen(
      createServer((socket) => join(socket, server.port)),
      path,
    )
    // It would be for connections of TCP.
    proxyOfEnvironment('socks5h://127.0.0.1:1')
    const [url, options] = argumentsFor(path)
    const { client } = await opened(mqtt, url as string, options)
    server.kick()
    await next(client, 'connect')
    await client.publishAsync('a', 'b', { qos: 1 })
    expect(server.received('publish')).toHaveLength(1)
  })
})

test.each(['ws', 'wss'] as const)(
  'the drop-in uses the proxy by %s, too, past which MQTT.js connects',
  async (scheme) => {
    const { asked, socksProxy } = await sceneOf(scheme)
    await opened(ours as never, `${scheme}://localhost:7/mqtt`, { socksProxy, ca })
    expect(asked).toEqual(['localhost:7'])
  },
)

function proxyOfEnvironment(url: string): void {
  vi.stubEnv('MQTTJS_SOCKS_PROXY', url)
  onTestFinished(() => void vi.unstubAllEnvs())
}
