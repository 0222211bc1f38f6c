import type { BrowserContextOptions, Locator, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, inject } from 'vitest'

import { browse, noBrowser, type Browsing } from '../../measure/lab/browser.ts'
import { parseUrl } from '../../src/shared/parse-url.ts'
import { readRecordings } from '../../testing/replay/read-recording.ts'
import type { Visualizer, VisualizerOptions } from '../../visualizer/options.ts'
import { serveRecording } from '../../visualizer/replay/serve-recording.ts'
import { serve } from '../../visualizer/serve/server.ts'
import type { Site } from '../../visualizer/serve/site.ts'

export { noBrowser }

const TOKEN = 'a token for the tests'

if (noBrowser) console.warn(`The browser tests are skipped: ${noBrowser}.`)

/** One page per test in one browser, built from the current sources. */
export function usePages() {
  const closers: (() => Promise<unknown>)[] = []
  /** The origins of servers that a test has stopped. The page keeps polling them, and Chromium logs an error each time. */
  const stopped = new Set<string>()
  let browsing: Browsing
  let pageFolder: string

  beforeAll(async () => {
    pageFolder = inject('pageFolder')
    browsing = await browse()
  })
  afterEach(async () => {
    for (const close of closers.splice(0).toReversed()) await close()
    // The page sends requests only to its own server, whatever it shows.
    expect(browsing.foreign).toEqual([])
  })
  afterAll(() => browsing?.[Symbol.asyncDispose]())

  const onEnd = (close: () => Promise<unknown>) => void closers.push(close)
  return {
    onEnd,
    async visualize(options: VisualizerOptions = {}): Promise<Visualizer> {
      const visualizer = await serve({ token: TOKEN, ...options }, { pageFolder, maxUnreadBytes: 16 * 1024 * 1024 })
      onEnd(() => visualizer.close())
      return {
        ...visualizer,
        close() {
          stopped.add(new URL(visualizer.url).origin)
          return visualizer.close()
        },
      }
    },
    /** Serves a recording. */
    async replay(text: string): Promise<Site> {
      const { recordings } = readRecordings(text)
      const site = await serveRecording(recordings, { file: 'outage.jsonl', token: TOKEN, pageFolder })
      onEnd(() => site.close())
      return site
    },
    async open(url: string, { viewport }: Pick<BrowserContextOptions, 'viewport'> = {}): Promise<VisualizerPage> {
      const page = await browsing.context.newPage()
      onEnd(() => page.close())
      const errors: string[] = []
      page.on('pageerror', (error) => errors.push(String(error)))
      page.on('dialog', (dialog) => {
        errors.push(`dialog: ${dialog.message()}`)
        void dialog.dismiss()
      })
      page.on('console', (message) => {
        // A violation of the CSP is an error too. The page itself reports lost sockets.
        const { url: source } = message.location()
        const away = stopped.has(parseUrl(source)?.origin ?? '') && message.text().includes('net::ERR_')
        const expected = /WebSocket connection|401 \(Unauthorized\)/
        // A refusal is plain text: the browser looks for its icon by itself.
        const icon = source.endsWith('/favicon.ico')
        if (message.type() === 'error' && !icon && !away && !expected.test(message.text())) errors.push(message.text())
      })
      if (viewport) await page.setViewportSize(viewport)
      await page.goto(url)
      onEnd(async () => expect(errors).toEqual([]))
      return new VisualizerPage(page)
    },
  }
}

/** The page, by the elements that a person finds on it. */
export class VisualizerPage {
  readonly page: Page

  constructor(page: Page) {
    this.page = page
  }

  get title(): Locator {
    return this.page.getByRole('heading', { level: 1 })
  }

  get next(): Locator {
    return this.page.locator('[data-test=next]')
  }

  get cause(): Locator {
    return this.page.locator('[data-test=cause]')
  }

  get link(): Locator {
    return this.page.locator('[data-test=link]')
  }

  get rows(): Locator {
    return this.page.locator('.row')
  }

  actor(name: string): Locator {
    return this.page.getByRole('navigation', { name: 'Actors' }).getByRole('button').filter({ hasText: name })
  }

  row(...texts: string[]): Locator {
    let row = this.rows
    for (const text of texts) row = row.filter({ hasText: text })
    return row.first()
  }

  /** The names of the highlighted states, outermost first. */
  async active(): Promise<string[]> {
    return this.page.locator('.node.active .node-name').allTextContents()
  }
}

export async function expectText(locator: Locator, text: string | RegExp): Promise<void> {
  await expect.poll(async () => (await locator.first().textContent()) ?? '').toMatch(text)
}

/** Waits for the highlighted states, outermost first. */
export async function expectState(page: VisualizerPage, ...states: string[]): Promise<void> {
  await expect.poll(() => page.active()).toEqual(states)
}
