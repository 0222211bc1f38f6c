import { createServer, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

/** CONNACK with success (MQTT 3.1.1 §3.2). */
const CONNACK = Uint8Array.of(0x20, 2, 0, 0)

/** A TCP server that accepts every CONNECT, and never closes: it does not answer a FIN until the test lets it. */
export async function stubbornServer() {
  const sockets: Socket[] = []
  const ended = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket)
    socket.on('error', () => {})
    socket.once('data', () => socket.write(CONNACK))
    socket.on('end', () => ended.add(socket))
    socket.resume()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const { port } = server.address() as { port: number }
  return {
    url: `mqtt://127.0.0.1:${port}`,
    /** Every socket ever accepted, in order. */
    sockets,
    /** The sockets whose clients have sent a FIN. */
    ended,
  }
}
