import { closeSync, existsSync, openSync, readSync, statSync } from 'node:fs'
import { StringDecoder } from 'node:string_decoder'

import { RecordingError, RecordingReader, type ReadRecordings } from '../../testing/replay/read-recording.ts'
import { UsageError } from '../command.ts'

/**
 * Reads a recording, together with the part before it, whose name ends with `.1`.
 *
 * @throws {UsageError} if there is no such file
 * @throws {Error} if it is not a recording
 */
export function loadRecordings(file: string): ReadRecordings {
  if (!existsSync(file)) throw new UsageError(`there is no file ${file}`)
  if (statSync(file).isDirectory()) throw new UsageError(`${file} is a folder: give the file of a recording in it`)
  const parts = [`${file}.1`, file].filter((path) => existsSync(path))
  try {
    const reader = new RecordingReader()
    for (const path of parts) for (const line of linesOf(path)) reader.add(line)
    return reader.end()
  } catch (error) {
    if (!(error instanceof RecordingError)) throw error
    throw new Error(`${file} cannot be replayed: ${error.message}`, { cause: error })
  }
}

const CHUNK_BYTES = 1024 * 1024

/** Reads a file line by line: it may be larger than a text can be. */
export function* linesOf(path: string, chunkBytes = CHUNK_BYTES): Generator<string, void> {
  const file = openSync(path, 'r')
  try {
    const chunk = Buffer.alloc(chunkBytes)
    const decoder = new StringDecoder('utf8')
    let rest = ''
    for (let read = readSync(file, chunk); read > 0; read = readSync(file, chunk)) {
      const lines = decoder.write(chunk.subarray(0, read)).split('\n')
      lines[0] = rest + (lines[0] ?? '')
      rest = lines.pop() ?? ''
      yield* lines
    }
    yield rest + decoder.end()
  } finally {
    closeSync(file)
  }
}

/** @throws {UsageError} if there is no recording of the client */
export function chosen({ recordings }: ReadRecordings, client: string | undefined): ReadRecordings['recordings'] {
  if (client === undefined) return recordings
  const found = recordings.filter((each) => each.client === client)
  if (found.length > 0) return found
  const names = [...new Set(recordings.map((each) => each.client))]
  const shown = names.slice(0, 20).join(', ') + (names.length > 20 ? ', …' : '')
  throw new UsageError(`there is no client '${client}' in it. Its clients are ${shown}`)
}
