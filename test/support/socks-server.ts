import { connect, createServer, type Server, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

/** What a SOCKS server does to a request to connect: the port of this machine that it connects to, or an error (RFC 1928 §6). */
export type Route = (host: string, port: number) => number | { readonly error: number }

/** Listens until the test is over. @returns the port, or 0 for a path */
export async function listen(server: Server, at: number | string = 0): Promise<number> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
  })
  await new Promise<void>((resolve) =>
    typeof at === 'string' ? server.listen(at, resolve) : server.listen(at, '127.0.0.1', resolve),
  )
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const address = server.address()
  return typeof address === 'object' && address ? address.port : 0
}

/** Connects two sockets. The end of one is the end of the other. */
export function join(one: Socket, port: number): void {
  const other = connect({ host: '127.0.0.1', port })
  one.pipe(other).pipe(one)
  one.on('close', () => other.destroy())
  other.on('close', () => one.destroy())
  other.on('error', () => one.destroy())
}

/** A SOCKS 5 server without authentication, for names only (RFC 1928). */
export async function startSocksServer(route: Route) {
  const asked: string[] = []
  const server = createServer((socket) => {
    socket.once('data', () => {
      socket.write(Uint8Array.of(5, 0))
      socket.once('data', (request) => {
        const length = request[4] ?? 0
        const [host, port] = [request.toString('latin1', 5, 5 + length), request.readUInt16BE(5 + length)]
        asked.push(`${host}:${port}`)
        const target = route(host, port)
        const code = typeof target === 'number' ? 0 : target.error
        socket.write(Uint8Array.of(5, code, 0, 1, 127, 0, 0, 1, 0, 0))
        if (typeof target === 'number') join(socket, target)
      })
    })
  })
  return { port: await listen(server), asked }
}
