import { parseVisualizerOptions, type Visualizer, type VisualizerOptions } from '../options.ts'
import { Sampler } from '../record/sampler.ts'
import { Hub } from './hub.ts'
import { builtPage } from './page-files.ts'
import { MAX_FEED_BYTES, openSite } from './site.ts'

const MAX_UNREAD_BYTES = 32 * 1024 * 1024

/**
 * Serves the page that shows running actors, and receives what apps report.
 *
 * @returns resolves when it is listening
 * @throws {InvalidOptionError} if an option is wrong
 */
export function createVisualizer(options: VisualizerOptions = {}): Promise<Visualizer> {
  return serve(options, { pageFolder: builtPage, maxUnreadBytes: MAX_UNREAD_BYTES })
}

interface Setting {
  readonly pageFolder: string
  /** A viewer with more unread bytes is disconnected. */
  readonly maxUnreadBytes: number
}

/** `createVisualizer`, with settings that only tests change. */
export async function serve(options: VisualizerOptions, { pageFolder, maxUnreadBytes }: Setting): Promise<Visualizer> {
  const config = parseVisualizerOptions(options)
  const hub = new Hub({ ...config, maxMessageBytes: MAX_FEED_BYTES, maxUnreadBytes })
  const site = await openSite(config, pageFolder, {
    addViewer: (socket) => hub.addViewer(socket, false),
    addPlainViewer: (socket) => hub.addViewer(socket, true),
    addFeed: (socket) => hub.addFeed(socket),
    close: () => hub.viewers.close(),
  })
  const sampler = new Sampler(hub.recorder)
  return {
    url: site.url,
    inspect: hub.recorder.inspect,
    watch: (actor, sample) => sampler.watch(actor, sample),
    async close() {
      sampler.stop()
      await site.close()
    },
  }
}
