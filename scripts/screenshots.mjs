// Takes the screenshots of docs/inspect.md: the page after a night, in the third minute of an outage, and a fleet in the fifth
// minute of one; that of docs/recorder.md, a recording of a fleet; and that of the dashboard. Needs `npm run build`.
//
//   node scripts/screenshots.mjs [--folder docs/images] [--phone] [visualizer fleet replay dashboard]
//
// With --phone it takes those of a narrow screen, too, and all in the size of the screen.
import { mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { tsImport } from 'tsx/esm/api'

const { createVisualizer } = await load('../visualizer/index.ts')
const { browse, noBrowser } = await load('../measure/lab/browser.ts')
const { fleetOutage } = await load('../measure/lab/fleet-outage.ts')
const { recordedFleet } = await load('../measure/lab/recorded-fleet.ts')
const { spendNight } = await load('../measure/lab/night.ts')
const { readRecordings } = await load('../testing/replay/read-recording.ts')
const { serveRecording } = await load('../visualizer/replay/index.ts')
const { startDashboard } = await load('../examples/dashboard/demo/start.ts')

if (noBrowser) {
  console.error(`No screenshots: ${noBrowser}`)
  process.exit(1)
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { folder: { type: 'string' }, phone: { type: 'boolean', default: false } },
})
const folder = values.folder ?? fileURLToPath(new URL('../docs/images/', import.meta.url))
mkdirSync(folder, { recursive: true })

const desktop = { viewport: { width: 1280, height: 800 }, deviceScaleFactor: values.phone ? 1 : 1.5 }
const phone = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2 }

const pictures = {
  visualizer: () => scene('visualizer', '.node.active', (visualizer) => spendNight(visualizer)),
  fleet: () => scene('fleet', '.cell', ({ inspect }) => fleetOutage({ inspect, count: 200 })),
  replay: () => recording('replay'),
  dashboard: () => dashboardInOutage(),
}
for (const name of positionals.length > 0 ? positionals : Object.keys(pictures)) {
  if (!Object.hasOwn(pictures, name)) throw new Error(`${name} is none of ${Object.keys(pictures).join(', ')}`)
  await pictures[name]()
}
process.exit()

async function dashboardInOutage() {
  const dashboard = await startDashboard({ outage: 3_600_000 })
  const toOutage = async (page) => {
    await page.getByText('Live', { exact: true }).waitFor()
    await page.getByText('in 1 min').first().waitFor()
    await page.getByRole('button', { name: 'Stop the broker' }).click()
    await page.getByText('as of').first().waitFor()
    await page.getByRole('button', { name: 'Acknowledge' }).click()
    await page.getByRole('button', { name: 'Stop the pump' }).click()
    // Long enough for the picture.
    await page.getByText(/Next attempt in [4-9] s/).waitFor()
  }
  const options = { ...desktop, viewport: { width: 1280, height: 680 }, colorScheme: 'light' }
  await take(dashboard.url, '.sensor', 'dashboard.png', options, toOutage)
  await dashboard[Symbol.asyncDispose]()
}

async function recording(name) {
  const { recordings } = readRecordings(recordedFleet({ count: 50 }))
  const site = await serveRecording(recordings, { file: 'fleet.jsonl' })
  const toOutage = async (page) => {
    for (const key of ['n', 'n', '.', '.', '.', '.', '.']) await page.keyboard.press(key)
    await page.getByRole('slider').press('PageDown')
  }
  await take(site.url, '.player', `${name}-light.png`, { ...desktop, colorScheme: 'light' }, toOutage)
  await take(site.url, '.player', `${name}-dark.png`, { ...desktop, colorScheme: 'dark' }, toOutage)
  if (values.phone) await take(site.url, '.player', `${name}-phone.png`, { ...phone, colorScheme: 'light' }, toOutage)
  await site.close()
}

async function scene(name, ready, start) {
  const visualizer = await createVisualizer({ name: 'garden gateway', allowCommands: true })
  await start(visualizer)
  const { url } = visualizer
  await take(url, ready, `${name}-light.png`, { ...desktop, colorScheme: 'light' })
  await take(url, ready, `${name}-dark.png`, { ...desktop, colorScheme: 'dark' })
  if (values.phone) await take(url, ready, `${name}-phone.png`, { ...phone, colorScheme: 'light' })
  await visualizer.close()
}

async function take(url, ready, name, options, prepare = async () => {}) {
  const browsing = await browse(options)
  const page = await browsing.context.newPage()
  page.on('pageerror', (error) => console.error(error))
  page.on('console', (message) => message.type() === 'error' && console.error(message.text()))
  await page.goto(url)
  await page.locator(ready).first().waitFor()
  await prepare(page)
  // Wait until the last edge has stopped flashing.
  await page.waitForTimeout(1_500)
  await page.mouse.move(2, 2)
  await page.evaluate(() => document.activeElement?.blur())
  await page.screenshot({ path: `${folder}/${name}`, fullPage: options.viewport.width < 500 })
  await browsing[Symbol.asyncDispose]()
}

function load(path) {
  return tsImport(path, import.meta.url)
}
