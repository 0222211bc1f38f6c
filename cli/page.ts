import type { ResilientMqttClient } from '../src/client.ts'
import type { Inspection, VisualizerStats } from '../visualizer/index.ts'

/** The visualizer that a demo serves. */
export interface Page extends AsyncDisposable {
  /** A line with its address, or the reason why it is not available. */
  readonly header: string
  /** A part of the client's options. */
  readonly inspection: { readonly inspect?: Inspection['inspect'] }
  /** Shows figures of a client that are not in the context of any machine. */
  watch(client: ResilientMqttClient, totals: () => VisualizerStats): void
}

/**
 * Serves the visualizer on a free port of this machine. If that fails, the demo runs without it, so this never rejects.
 *
 * @param name - the name of this process on the page
 */
export async function openPage(name: string): Promise<Page> {
  try {
    const { createVisualizer } = await import('../visualizer/index.ts')
    const visualizer = await createVisualizer({ name })
    const { ok } = await fetch(visualizer.url, { method: 'HEAD' })
    if (!ok) {
      await visualizer.close()
      return noPage('its page is not built; run npm run build')
    }
    return {
      header: `Visualizer ${visualizer.url}`,
      inspection: { inspect: visualizer.inspect },
      watch(client, totals) {
        visualizer.watch(client.actor, () => {
          const { size, bytes, inFlight } = client.outbox
          return { outbox: size, outboxBytes: bytes, inFlight, ...totals() }
        })
      },
      [Symbol.asyncDispose]: () => visualizer.close(),
    }
  } catch (error) {
    return noPage(error instanceof Error ? error.message : String(error))
  }
}

function noPage(reason: string): Page {
  return {
    header: `No visualizer: ${reason}`,
    inspection: {},
    watch: () => {},
    [Symbol.asyncDispose]: () => Promise.resolve(),
  }
}
