import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { chromium, type BrowserContext } from 'playwright-core'

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium'

/** The reason why no browser can be used, and how to install one; empty if there is one. */
export const noBrowser = existsSync(executablePath)
  ? ''
  : `${executablePath} does not exist: apt-get install chromium, or set CHROMIUM to its path`

export interface Browsing extends AsyncDisposable {
  readonly context: BrowserContext
  /** URLs of requests to other machines. */
  readonly foreign: readonly string[]
}

const args = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

export async function browse(options: Parameters<typeof chromium.launchPersistentContext>[1] = {}): Promise<Browsing> {
  const folder = temporaryFolder()
  const context = await chromium.launchPersistentContext(folder, {
    executablePath,
    headless: true,
    viewport: { width: 1280, height: 800 },
    args,
    ...options,
  })
  return {
    context,
    foreign: foreignRequests(context),
    async [Symbol.asyncDispose]() {
      await context.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/**
 * Starts a browser whose tabs are hidden while another one is in front. Those of `browse` are always visible, and a visible
 * page can't be frozen.
 */
export async function browseTabs(): Promise<Browsing> {
  const folder = temporaryFolder()
  const child = spawn(
    executablePath,
    [...args, '--headless', '--remote-debugging-port=0', `--user-data-dir=${folder}`, 'about:blank'],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  )
  const browser = await chromium.connectOverCDP(await debuggerUrl(child), { noDefaults: true })
  const [context] = browser.contexts()
  if (!context) throw new Error('Chromium has no default context')
  return {
    context,
    foreign: foreignRequests(context),
    async [Symbol.asyncDispose]() {
      const ended = once(child, 'exit')
      // `browser.close` would only end the connection to it.
      const session = await browser.newBrowserCDPSession()
      await Promise.all([ended, session.send('Browser.close')])
      rmSync(folder, { recursive: true, force: true, maxRetries: 10 })
    },
  }
}

function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), 'xstate-mqtt-browser-'))
}

function foreignRequests(context: BrowserContext): readonly string[] {
  const foreign: string[] = []
  context.on('request', (request) => {
    const { hostname } = new URL(request.url())
    if (hostname !== '127.0.0.1' && hostname !== 'localhost') foreign.push(request.url())
  })
  return foreign
}

async function debuggerUrl({ stderr }: Pick<ChildProcess, 'stderr'>): Promise<string> {
  if (stderr) {
    for await (const line of createInterface(stderr)) {
      const [, url] = /^DevTools listening on (ws:\S+)/.exec(line) ?? []
      if (url) {
        stderr.resume()
        return url
      }
    }
  }
  throw new Error(`${executablePath} ended before it listened`)
}
