import { createServer, type IncomingMessage } from 'node:http'
import { onTestFinished } from 'vitest'

/** A web server that records upgrade requests, and refuses them. */
export async function upgradeRecorder(host = '127.0.0.1') {
  const requests: Pick<IncomingMessage, 'url' | 'headers'>[] = []
  const server = createServer()
  server.on('upgrade', ({ url, headers }, socket) => {
    requests.push({ url: url ?? '', headers })
    socket.on('error', () => {})
    socket.end('HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n')
  })
  await new Promise<void>((resolve) => server.listen(0, host, resolve))
  onTestFinished(() => void server.close())
  const { port } = server.address() as { port: number }
  return { origin: `ws://${host.includes(':') ? `[${host}]` : host}:${port}`, port, requests }
}
