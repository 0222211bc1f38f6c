import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { WebSocket, WebSocketServer, type RawData } from 'ws'

import { Translator, type InspectionMessage } from './translate.ts'

export interface Bridge {
  /** The option `server` for `createWebSocketReceiver` of `@xstate/inspect`, such as `127.0.0.1:8888`. */
  readonly server: string
  /** Resolves when the connection to the visualizer has closed. The bridge forwards nothing more then. */
  readonly ended: Promise<void>
  close(): Promise<void>
}

/**
 * Forwards the data of a visualizer to viewers of `@xstate/inspect`. Events that a viewer sends to a service are ignored.
 *
 * @param visualizer - the address that `createVisualizer` returned or `xstate-mqtt visualizer` printed
 * @throws {Error} if the address is invalid, if there is no answer, or if the port is in use
 */
export async function createBridge(visualizer: string, port = 8888): Promise<Bridge> {
  const url = new URL(visualizer)
  url.protocol = url.protocol.replace('http', 'ws')
  // At this path, the visualizer speaks the protocol of `@statelyai/inspect`, with one message per frame.
  url.pathname = '/stately'

  const translator = new Translator()
  const viewers = new Set<WebSocket>()
  const server = new WebSocketServer({ host: '127.0.0.1', port, maxPayload: 64 * 1024, verifyClient: isLocal })
  server.on('connection', (viewer) => {
    viewer.on('error', () => {})
    viewer.on('close', () => viewers.delete(viewer))
    viewer.on('message', (data) => {
      if (!text(data).includes('xstate.inspecting')) return
      for (const event of translator.services) viewer.send(JSON.stringify(event))
      viewers.add(viewer)
    })
  })
  await once(server, 'listening')

  const source = new WebSocket(url)
  source.on('message', (data) => {
    for (const event of translator.translate(JSON.parse(text(data)) as InspectionMessage)) {
      for (const viewer of viewers) viewer.send(JSON.stringify(event))
    }
  })
  const ended = new Promise<void>((resolve) => {
    source.once('close', () => resolve())
  })
  // `once` below throws an error that occurs before the socket is open. A later error is followed by `close`.
  source.on('error', () => {})
  await once(source, 'open').catch((error: unknown) => {
    server.close()
    throw error
  })

  return {
    server: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    ended,
    async close() {
      source.terminate()
      for (const viewer of server.clients) viewer.terminate()
      server.close()
      await once(server, 'close')
    },
  }
}

/** Pages of other sites must not connect, except for the viewer that Stately hosts. */
function isLocal({ origin }: { readonly origin: string | undefined }): boolean {
  if (!origin || origin === 'https://stately.ai') return true
  return URL.canParse(origin) && ['localhost', '127.0.0.1'].includes(new URL(origin).hostname)
}

/** The text of a message. By default, `ws` passes it as one buffer. */
function text(data: RawData): string {
  return (data as Buffer).toString()
}
