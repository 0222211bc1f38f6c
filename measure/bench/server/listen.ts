import { createServer as createHttpServer } from 'node:http'
import { createServer as createTcpServer, type Server } from 'node:net'
import type { Duplex } from 'node:stream'
import { createServer as createTlsServer } from 'node:tls'
import { createWebSocketStream, WebSocketServer } from 'ws'

import { tls } from '../../lab/tls-fixture.ts'
import type { Transport } from '../peers/peer.ts'

/** Listens on a port of 127.0.0.1. Resolves when it accepts connections. */
export async function listen(transport: Transport, port: number, serve: (stream: Duplex) => void): Promise<void> {
  const server = createServer(transport, serve)
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
}

function createServer(transport: Transport, serve: (stream: Duplex) => void): Server {
  switch (transport) {
    case 'tcp':
      return createTcpServer({ noDelay: true }, serve)
    case 'tls':
      return createTlsServer({ noDelay: true, ...tls }, serve)
    case 'websocket':
      return createWebSocketServer(serve)
  }
}

function createWebSocketServer(serve: (stream: Duplex) => void): Server {
  const server = createHttpServer()
  const sockets = new WebSocketServer({ server, handleProtocols: () => 'mqtt' })
  sockets.on('connection', (socket) => serve(createWebSocketStream(socket)))
  return server
}
