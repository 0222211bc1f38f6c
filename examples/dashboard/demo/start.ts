/**
 * Starts the dashboard with a broker and a plant of its own:
 *
 *   npm run dashboard
 */
import { rm, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, type InlineConfig, type Plugin, preview } from 'vite'
import { createEmbeddedBroker, type EmbeddedBroker } from 'xstate-mqtt/testing'

import { startPlant } from './simulated-plant.ts'

export interface RunningDashboard extends AsyncDisposable {
  readonly url: string
  readonly broker: EmbeddedBroker
}

/**
 * @param options.port - of the page; 0 takes a free port
 * @param options.interval - of the readings, in milliseconds
 * @param options.outage - how long the button of the page stops the broker, in milliseconds
 */
export async function startDashboard({ port = 0, interval = 1_000, outage = 15_000 } = {}): Promise<RunningDashboard> {
  const broker = await createEmbeddedBroker({ webSocket: true })
  const plant = await startPlant(broker.url, interval)
  const outDir = await mkdtemp(join(tmpdir(), 'xstate-mqtt-dashboard-'))
  const config: InlineConfig = {
    configFile: fileURLToPath(new URL('../vite.config.ts', import.meta.url)),
    root: fileURLToPath(new URL('..', import.meta.url)),
    logLevel: 'error',
    define: {
      'import.meta.env.VITE_BROKER_URL': JSON.stringify(broker.wsUrl),
      'import.meta.env.VITE_DEMO': '"yes"',
    },
    build: { outDir, emptyOutDir: true },
    preview: { port, host: '127.0.0.1' },
    plugins: [outages(broker, outage)],
  }
  await build(config)
  const page = await preview(config)
  return {
    url: page.resolvedUrls?.local[0] ?? '',
    broker,
    async [Symbol.asyncDispose]() {
      await page.close()
      await plant[Symbol.asyncDispose]()
      await broker.stop()
      await rm(outDir, { recursive: true, force: true })
    },
  }
}

/** Lets the page stop the broker for a while. */
function outages(broker: EmbeddedBroker, duration: number): Plugin {
  return {
    name: 'outages',
    configurePreviewServer({ middlewares }) {
      middlewares.use('/demo/outage', (request, response) => {
        if (request.method !== 'POST') return void response.writeHead(405).end()
        void broker.stop().then(() => setTimeout(() => void broker.start(), duration))
        response.writeHead(204).end()
      })
    },
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const dashboard = await startDashboard({ port: 4173 })
  console.log(`The dashboard: ${dashboard.url}   (Ctrl-C ends it)`)
  process.once('SIGINT', () => void dashboard[Symbol.asyncDispose]().then(() => process.exit()))
}
