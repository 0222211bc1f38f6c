#!/usr/bin/env bash
# Chromium 156 answers WebSocket pings of a frozen page whose WebSocket has already failed, so the server takes it for open.
#
# A hidden page is frozen, as Chromium does to save energy. Its WebSocket fails at once, with "Page entered Back-Forward Cache" in the
# console. But the connection stays open: every ping is answered, and messages are accepted and lost. When the page goes on,
# it gets `error` and `close` with 1006, and the server 1001. So a server that sends pings to find dead clients finds none.
#
# Seen with Debian's Chromium 156.0.8078.108, playwright-core 1.65.1, ws 8.23.0, Node 20.20, 11 of 11 times. The page was frozen with
# Page.setWebLifecycleState of the DevTools protocol.
# Workaround: let the page prove by messages that it is alive, as MQTT's keep alive does, and confirm what has to arrive (QoS 1).
#
# Needs /usr/bin/chromium, or CHROMIUM.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts playwright-core@1.65.1 ws@8.23.0 >/dev/null 2>&1

cat >run.mjs <<'JS'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { createInterface } from 'node:readline'
import { chromium } from 'playwright-core'
import { WebSocketServer } from 'ws'

const http = createServer((_request, response) => {
  response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>page</title>')
}).listen(0, '127.0.0.1')
await once(http, 'listening')
const { port } = http.address()
const connecting = once(new WebSocketServer({ server: http }), 'connection')

// Playwright's own tabs are always visible, and a visible page can't be frozen.
const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--remote-debugging-port=0']
const child = spawn(process.env.CHROMIUM ?? '/usr/bin/chromium', [...flags, '--user-data-dir=data', 'about:blank'], {
  stdio: ['ignore', 'ignore', 'pipe'],
})
process.on('exit', () => child.kill())
let url
for await (const line of createInterface(child.stderr)) {
  url = /^DevTools listening on (ws:\S+)/.exec(line)?.[1]
  if (url) break
}
child.stderr.resume()
const browser = await chromium.connectOverCDP(url, { noDefaults: true })
const [context] = browser.contexts()
const page = await context.newPage()
await page.goto(`http://127.0.0.1:${port}/`)
await page.evaluate(() => {
  const socket = new WebSocket(`ws://${location.host}/`)
  globalThis.seen = { messages: 0, ended: new Promise((resolve) => (socket.onclose = ({ code }) => resolve(code))) }
  socket.onmessage = () => seen.messages++
})
const [server] = await connecting
const closed = new Promise((resolve) => server.on('close', resolve))

/** Sends a message and then a ping, and waits for the pong. */
async function exchange() {
  server.send('message')
  server.ping()
  await Promise.race([once(server, 'pong'), closed])
  return server.readyState === server.OPEN
}

await exchange()
await page.waitForFunction(() => seen.messages === 1)
await (await context.newPage()).bringToFront()
await page.waitForFunction(() => document.visibilityState === 'hidden', undefined, { polling: 50 })
const lifecycle = await context.newCDPSession(page)
const failed = page.waitForEvent('console', (message) => message.text().includes('Page entered Back-Forward Cache'))
await lifecycle.send('Page.setWebLifecycleState', { state: 'frozen' })
await failed
const whileFrozen = [await exchange(), await exchange(), await exchange()]
await lifecycle.send('Page.setWebLifecycleState', { state: 'active' })
const pageCode = await page.evaluate(() => seen.ended)
const serverCode = await closed
const messages = await page.evaluate(() => seen.messages)
const session = await browser.newBrowserCDPSession()
const version = (await session.send('Browser.getVersion')).product
const exited = once(child, 'exit')
await Promise.all([exited, session.send('Browser.close')])

const answered = whileFrozen.filter((isOpen) => isOpen).length
console.log(`${version}: ${answered} of 3 pings answered while the page was frozen, ${messages - 1} of 3 messages arrived`)
console.log(`When it went on, the page saw ${pageCode} and the server ${serverCode}`)
process.exit(answered === 3 && messages === 1 && pageCode === 1006 && serverCode === 1001 ? 0 : 1)
JS

node run.mjs || { echo 'The behaviour has changed'; exit 1; }
