// The servers that the checks connect to. They run in the process of `main.mjs`, outside the runtime that is checked, which
// controls them over HTTP: a Cloudflare Worker cannot listen.
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer as createTlsServer } from 'node:tls'
import { WebSocket } from 'ws'
import { createEmbeddedBroker } from 'xstate-mqtt/testing'
import { createVisualizer } from 'xstate-mqtt/visualizer'

export async function openLab() {
  const broker = await createEmbeddedBroker({ webSocket: true })
  const visualizer = await createVisualizer()
  const viewer = view(visualizer.url)
  const certificates = issueCertificates()
  const [tcp, ws] = [broker.url, broker.wsUrl].map((url) => Number(new URL(url).port))
  const gate = { open: true, waiting: new Set() }

  const servers = {
    mqtts: createTlsServer(certificates.server, (socket) => relay(socket, tcp)),
    wss: createTlsServer(certificates.server, (socket) => relay(socket, ws)),
    halfOpen: createServer((socket) => relay(socket, tcp, gate)),
    halfOpenWs: createServer((socket) => relay(socket, ws, gate)),
    unauthorized: createServer((socket) => {
      socket.on('error', () => {})
      socket.once('data', () =>
        socket.end('HTTP/1.1 401 Unauthorized\r\nConnection: close\r\nContent-Length: 0\r\n\r\n'),
      )
    }),
    control: createHttpServer((request, response) => {
      void perform(request.url ?? '').then((answer) => response.end(JSON.stringify(answer ?? null)))
    }),
  }
  const port = {}
  for (const [name, server] of Object.entries(servers)) {
    server.on('tlsClientError', () => {})
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    port[name] = server.address().port
  }

  async function perform(command) {
    switch (command) {
      case '/kill':
        return broker.stop()
      case '/start':
        return broker.start()
      case '/silence':
        gate.open = false
        return undefined
      case '/speak':
        gate.open = true
        for (const socket of gate.waiting) socket.destroy()
        return undefined
      case '/actors':
        return viewer.actors
      default:
        throw new Error(`The lab has no command ${command}`)
    }
  }

  return {
    /** What the checks need to know, as JSON. */
    facts: {
      tcp: broker.url,
      tls: `mqtts://127.0.0.1:${port.mqtts}`,
      ws: broker.wsUrl,
      wss: `wss://127.0.0.1:${port.wss}/mqtt`,
      halfOpen: `mqtt://127.0.0.1:${port.halfOpen}`,
      halfOpenWs: `ws://127.0.0.1:${port.halfOpenWs}/mqtt`,
      unauthorized: `ws://127.0.0.1:${port.unauthorized}/mqtt`,
      control: `http://127.0.0.1:${port.control}`,
      visualizer: visualizer.url,
      ca: certificates.ca,
      otherCa: certificates.otherCa,
    },
    async close() {
      for (const server of Object.values(servers)) server.close()
      for (const socket of gate.waiting) socket.destroy()
      viewer.close()
      await broker.stop()
      await visualizer.close()
    },
  }
}

/** Passes bytes on in both directions. While the gate is closed it drops them, and both sides believe to be connected. */
function relay(socket, port, gate) {
  const server = connect(port, '127.0.0.1')
  for (const [from, to] of [
    [socket, server],
    [server, socket],
  ]) {
    from.on('error', () => {})
    from.on('close', () => {
      if (!gate || gate.open) to.destroy()
    })
    from.on('data', (chunk) => {
      if (!gate || gate.open) to.write(chunk)
    })
  }
  if (gate) {
    gate.waiting.add(socket)
    socket.on('close', () => gate.waiting.delete(socket))
  }
}

/** Views the page of the visualizer, as a browser does, and collects the names of the actors. */
function view(url) {
  const address = new URL(url)
  address.protocol = 'ws:'
  address.pathname = '/viewer'
  const socket = new WebSocket(address)
  const actors = []
  socket.on('open', () => socket.send(JSON.stringify({ type: '@statelyai.connected' })))
  socket.on('message', (data) => {
    const frame = JSON.parse(Buffer.from(data).toString())
    for (const { type, name } of frame.messages ?? [frame]) if (type === '@xstate.actor') actors.push(name)
  })
  return { actors, close: () => socket.terminate() }
}

function issueCertificates() {
  const folder = mkdtempSync(join(tmpdir(), 'xstate-mqtt-ca-'))
  try {
    const openssl = (args) => execFileSync('openssl', args.split(' '), { cwd: folder, stdio: 'pipe' })
    const key = '-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'
    for (const name of ['ca', 'other']) {
      openssl(`req -x509 ${key} -days 3650 -subj /CN=${name} -keyout ${name}.key -out ${name}.pem`)
    }
    openssl(`req -new ${key} -subj /CN=127.0.0.1 -keyout server.key -out server.csr`)
    writeFileSync(join(folder, 'ext'), 'subjectAltName=IP:127.0.0.1\n')
    openssl('x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 3650 -extfile ext -out server.pem')
    const read = (file) => readFileSync(join(folder, file), 'utf8')
    return {
      ca: read('ca.pem'),
      otherCa: read('other.pem'),
      server: { cert: read('server.pem'), key: read('server.key') },
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}
