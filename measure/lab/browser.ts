import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
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

export async function browse(options: Parameters<typeof chromium.launchPersistentContext>[1] = {}): Promise<Browsing> {
  const folder = mkdtempSync(join(tmpdir(), 'xstate-mqtt-browser-'))
  const context = await chromium.launchPersistentContext(folder, {
    executablePath,
    headless: true,
    viewport: { width: 1280, height: 800 },
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
    ...options,
  })
  const foreign: string[] = []
  context.on('request', (request) => {
    const { hostname } = new URL(request.url())
    if (hostname !== '127.0.0.1' && hostname !== 'localhost') foreign.push(request.url())
  })
  return {
    context,
    foreign,
    async [Symbol.asyncDispose]() {
      await context.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
