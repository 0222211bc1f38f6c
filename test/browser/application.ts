import { build } from 'esbuild'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { Page } from 'playwright-core'

import { browseTabs, type Browsing } from '../../measure/lab/browser.ts'

/** No `blob:` for workers, no `unsafe-eval`, nothing inline. */
const CONTENT_SECURITY_POLICY = "default-src 'self'; connect-src ws://127.0.0.1:*"

export interface ApplicationServer extends AsyncDisposable {
  readonly browsing: Browsing
  /** Opens a page of the application, whose script is in `application-script.ts`. */
  open(): Promise<Page>
}

/** Serves an application with this package, bundled as a browser gets it, and starts a browser. */
export async function serveApplication(): Promise<ApplicationServer> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('application-script.ts', import.meta.url))],
    bundle: true,
    platform: 'browser',
    target: 'es2022',
    write: false,
    // The drop-in needs it only in Node.
    logOverride: { 'empty-import-meta': 'silent' },
  })
  const script = outputFiles[0]?.contents
  const server = createServer(({ url = '' }, response) => {
    const isScript = url.startsWith('/app.js')
    response.setHeader('content-security-policy', CONTENT_SECURITY_POLICY)
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html')
    response.end(isScript ? script : '<!doctype html><link rel="icon" href="data:,"><script src="/app.js"></script>')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const browsing = await browseTabs()
  return {
    browsing,
    async open() {
      const page = await browsing.context.newPage()
      await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
      return page
    },
    async [Symbol.asyncDispose]() {
      await browsing[Symbol.asyncDispose]()
      server.close()
      server.closeAllConnections()
    },
  }
}
