import { basename } from 'node:path'

import type { Recording } from '../../testing/replay/read-recording.ts'
import type { SetBack } from '../../visualizer/replay/index.ts'
import { UsageError, type Values } from '../command.ts'
import { inWords } from '../duration.ts'
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
  const { serveRecording, setBacksOf, TooLargeError } = await import('../../visualizer/replay/index.ts')
  const site = await startServer({ port: '0', ...values }, shell, (settings) =>
    serveRecording(recordings, {
      ...settings,
      file: basename(file),
      ...times,
      onDiffers(client, at) {
        printError(
          shell,
          `${printable(client)}: this version takes another way from ${timeOfDay(at)} on. The page shows what was recorded; --check shows the difference`,
        )
      },
    }).catch((error: unknown) => {
      if (!(error instanceof TooLargeError)) throw error
      throw new UsageError(
        `${file} is too large for the page: ${error.message}. Choose a part by --from, --until or --client`,
      )
    }),
  )
  for (const line of setBacksInWords(setBacksOf(recordings))) printError(shell, line)
  print(shell, `Replay: ${site.url}`)
  await interrupted(interruption)
  await site.close()
}

const MOST_SHOWN = 5

/** All clients of a process see it when its clock is set back, so there may be many. */
function setBacksInWords(setBacks: readonly SetBack[]): string[] {
  const lines = setBacks.slice(0, MOST_SHOWN).map(({ client, at, by }) => {
    const amount = inWords(by)
    return `${printable(client)}: the clock was set back by ${amount} at ${timeOfDay(at)}. There, the page shows ${amount} less than passed`
  })
  const more = setBacks.length - lines.length
  return more > 0 ? [...lines, `The clock was set back in ${more} more places`] : lines
}

function timeOfDay(at: number): string {
  return `${new Date(at).toISOString().slice(11, 23)} UTC`
}
