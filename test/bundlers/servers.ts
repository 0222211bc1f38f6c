import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

export interface PageServer extends AsyncDisposable {
  readonly url: string
}

/** For bundlers that make only scripts. */
const PAGE = '<!doctype html><link rel="icon" href="data:,"><script type="module" src="/main.js"></script>'

/** Serves what a bundler has made. */
export async function serveFolder(folder: string): Promise<PageServer> {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost')
    const file = join(folder, pathname === '/' ? 'index.html' : pathname)
    const isScript = file.endsWith('.js')
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html')
    if (existsSync(file)) response.end(readFileSync(file))
    else if (pathname === '/') response.end(PAGE)
    else response.writeHead(404).end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
    },
  }
}

/** Starts Vite's server, which bundles dependencies when a page asks for them (`optimizeDeps`). */
export async function startVite(app: string, room: string): Promise<PageServer> {
  const bin = join(room, 'node_modules/vite/bin/vite.js')
  const child = spawn(process.execPath, [bin, 'dev', '--host', '127.0.0.1'], {
    cwd: app,
    env: { ...process.env, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  for await (const line of createInterface(child.stdout)) {
    const [url] = /http:\/\/127\.0\.0\.1:\d+\//.exec(line) ?? []
    if (!url) continue
    child.stdout.resume()
    return {
      url,
      async [Symbol.asyncDispose]() {
        child.kill()
        await once(child, 'exit')
      },
    }
  }
  throw new Error('vite dev ended before it listened')
}
