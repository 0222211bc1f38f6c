import { appendFile, open, rename, stat, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'

import { makeFolder } from '../shared/make-folder.ts'
import type { RecordingTarget } from './sink.ts'

/** For the first line of a file, the header. */
const HEADER_BYTES = 1_024

export interface FileTargetOptions {
  readonly file: string
  readonly maxBytes: number
  readonly maxAge: number
}

/**
 * Appends to a file. Two parts are kept: the file, and the one before it, whose name ends with `.1`. The file is opened for
 * each write, so that it may be moved or deleted meanwhile.
 */
export function fileTarget({ file, maxBytes, maxAge }: FileTargetOptions): RecordingTarget {
  const before = `${file}.1`
  /** Whether the last line may be torn. */
  let isTorn = false

  async function deleteIfOld(now: number): Promise<void> {
    const found = await stat(before).catch(() => undefined)
    if (found && now - found.mtimeMs > maxAge) await unlink(before)
  }

  return {
    limits: { bytes: maxBytes / 2, age: maxAge / 2, lines: Number.POSITIVE_INFINITY },
    async open(now) {
      await makeFolder(dirname(file))
      await deleteIfOld(now)
      const found = await stat(file).catch(() => undefined)
      // A device must not be renamed, and deleted later.
      if (found && !found.isFile()) throw new Error(`${file} is not a file: use recorder.write`)
      if (!found || found.size === 0) return undefined
      isTorn = true
      return { bytes: found.size, since: (await beginOf(file)) ?? found.mtimeMs }
    },
    async write(lines) {
      const text = `${isTorn ? '\n' : ''}${lines.join('')}`
      isTorn = true
      await appendFile(file, text)
      isTorn = false
    },
    async rotate(now) {
      await rename(file, before).catch(async (error: unknown) => {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
        // The recording must not grow without end.
        await unlink(file).catch(() => {})
        throw error
      })
      isTorn = false
      await deleteIfOld(now)
    },
  }
}

/** Returns when the file began, by its header. */
async function beginOf(file: string): Promise<number | undefined> {
  const handle = await open(file, 'r')
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEADER_BYTES), 0, HEADER_BYTES, 0)
    const [line = ''] = buffer.toString('utf8', 0, bytesRead).split('\n', 1)
    const { at } = JSON.parse(line) as { readonly at?: string }
    const time = Date.parse(at ?? '')
    return Number.isNaN(time) ? undefined : time
  } catch {
    return undefined
  } finally {
    await handle.close()
  }
}
