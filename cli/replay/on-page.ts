import { basename } from 'node:path'

import type { Recording } from '../../testing/replay/read-recording.ts'
import { UsageError, type Values } from '../command.ts'
import { print, printError, type Shell } from '../shell.ts'
import { printable } from '../terminal.ts'
import { interrupted, startServer, type serverOptions } from '../visualizer-server.ts'

export interface PlayedFile {
  readonly file: string
  /** The part to play, in milliseconds since 1970. */
  readonly from: number
  readonly until: number
}

/**
 * Shows recordings on the visualizer's page until Ctrl-C.
 *
 * @throws {UsageError} if an option of the server is wrong, or there are too many steps for a page
 */
export async function playOnPage(
  recordings: readonly Recording[],
  { file, ...times }: PlayedFile,
  values: Values<typeof serverOptions>,
  shell: Shell,
): Promise<void> {
  const interruption = shell.interruption()
  const { serveRecording, TooLargeError } = await import('../../visualizer/replay/index.ts')
  const site = await startServer({ port: '0', ...values }, shell, (settings) =>
    serveRecording(recordings, {
      ...settings,
      file: basename(file),
      ...times,
      onDiffers(client, at) {
        const time = new Date(at).toISOString().slice(11, 23)
        printError(
          shell,
          `${printable(client)}: this version takes another way from ${time} UTC on. The page shows what was recorded; --check shows the difference`,
        )
      },
    }).catch((error: unknown) => {
      if (!(error instanceof TooLargeError)) throw error
      throw new UsageError(
        `${file} is too large for the page: ${error.message}. Choose a part by --from, --until or --client`,
      )
    }),
  )
  print(shell, `Replay: ${site.url}`)
  await interrupted(interruption)
  await site.close()
}
