import { existsSync, readFileSync, statSync } from 'node:fs'

import { readRecordings, RecordingError, type ReadRecordings } from '../../testing/replay/read-recording.ts'
import { UsageError } from '../command.ts'

/**
 * Reads a recording, together with the part before it, whose name ends with `.1`.
 *
 * @throws {UsageError} if there is no such file
 * @throws {Error} if it is not a recording
 */
export function loadRecordings(file: string): ReadRecordings {
  if (!existsSync(file)) throw new UsageError(`There is no file ${file}`)
  if (statSync(file).isDirectory()) throw new UsageError(`${file} is a folder: give the file of a recording in it`)
  const parts = [`${file}.1`, file].filter((path) => existsSync(path))
  try {
    return readRecordings(parts.map((path) => readFileSync(path, 'utf8')).join('\n'))
  } catch (error) {
    if (!(error instanceof RecordingError)) throw error
    throw new Error(`${file} cannot be replayed: ${error.message}`, { cause: error })
  }
}

/** @throws {UsageError} if there is no recording of the client */
export function chosen({ recordings }: ReadRecordings, client: string | undefined): ReadRecordings['recordings'] {
  if (client === undefined) return recordings
  const found = recordings.filter((each) => each.client === client)
  if (found.length > 0) return found
  const names = [...new Set(recordings.map((each) => each.client))]
  const shown = names.slice(0, 20).join(', ') + (names.length > 20 ? ', …' : '')
  throw new UsageError(`There is no client '${client}' in it. Its clients are ${shown}`)
}
