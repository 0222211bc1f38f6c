import type * as ElkApi from 'elkjs/lib/elk-api.js'

import type { Layout } from '../../../chart/layout.ts'
import { signatureOf } from '../../../chart/library-machines.ts'
import type { Chart } from '../../../chart/model.ts'
import { bestLayout } from './best-layout.ts'

const TIMEOUT = 20_000
const layouts = new Map<string, Promise<Layout>>()

/** Lays out a chart in a worker. ELK is loaded for the first chart, because the library's own charts do not need it. */
export function layOut(chart: Chart): Promise<Layout> {
  const signature = signatureOf(chart)
  const known = layouts.get(signature)
  if (known) return known
  const layout = compute(chart)
  layouts.set(signature, layout)
  layout.catch(() => layouts.delete(signature))
  return layout
}

async function compute(chart: Chart): Promise<Layout> {
  // The types of elkjs do not say that it is CommonJS.
  const [{ default: Elk }, { default: workerUrl }] = await Promise.all([
    import('elkjs/lib/elk-api.js') as unknown as Promise<{ default: typeof ElkApi.default.default }>,
    import('elkjs/lib/elk-worker.min.js?url'),
  ])
  const elk = new Elk({ workerUrl })
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, TIMEOUT)
  })
  try {
    return await bestLayout(chart, (input) => elk.layout(input), late)
  } finally {
    clearTimeout(timer)
    elk.terminateWorker()
  }
}
