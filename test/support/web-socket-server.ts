import { createHash } from 'node:crypto'
import { createServer, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

/** A server that accepts the upgrade and then does to the TCP socket what the test says, and never closes it. */
export async function webSocketServer(upgraded: (socket: Socket) => void) {
  const sockets = new Set<Socket>()
  let over: () => void = () => {}
  const closed = new Promise<void>((resolve) => {
    over = resolve
  })
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('end', () => over())
    socket.on('close', () => {
      sockets.delete(socket)
      over()
    })
    socket.once('data', (head) => {
      const key = /sec-websocket-key: (.+)\r\n/i.exec(String(head))?.[1] ?? ''
      const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
      const lines = ['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade']
      lines.push(`Sec-WebSocket-Accept: ${accept}`, 'Sec-WebSocket-Protocol: mqtt')
      socket.write(`${lines.join('\r\n')}\r\n\r\n`)
      upgraded(socket)
      // Half-open: a FIN of the client's is noticed, and not answered.
      socket.resume()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const { port } = server.address() as { port: number }
  return { url: `ws://127.0.0.1:${port}/mqtt`, sockets, /** The client has closed its side. */ closed }
}
