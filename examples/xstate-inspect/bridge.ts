import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { WebSocket, WebSocketServer, type RawData } from 'ws'
import { Translator, type InspectionMessage } from './translate.ts'

export interface Bridge {
  /** `127.0.0.1:8888`: what `createWebSocketReceiver` of `@xstate/inspect` takes as `server`. */
  readonly server: string
  /** Resolves when the visualizer is gone: then there is nothing to forward any more. */
  readonly ended: Promise<void>
  close(): Promise<void>
}

/**
 * Forwards what a visualizer shows to viewers of `@xstate/inspect`. It only looks on: events that a viewer sends to a
 * service are ignored.
 *
 * @param visualizer - the address that `createVisualizer` or `xstate-mqtt visualizer` gave
 * @throws {Error} if the address is none, if nobody answers there, or if the port is taken
 */
export async function createBridge(visualizer: string, port = 8888): Promise<Bridge> {
  const url = new URL(visualizer)
  url.protocol = url.protocol.replace('http', 'ws')
  // There it speaks the protocol of `@statelyai/inspect`, one message a frame.
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
  // Before it is open an error is thrown; later one is followed by `close`.
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

/** Pages of other sites may not look on, but for the viewer that Stately hosts. */
function isLocal({ origin }: { readonly origin: string | undefined }): boolean {
  if (!origin || origin === 'https://stately.ai') return true
  return URL.canParse(origin) && ['localhost', '127.0.0.1'].includes(new URL(origin).hostname)
}

/** One buffer, as `ws` gives it unless it is told otherwise. */
function text(data: RawData): string {
  return (data as Buffer).toString()
}
