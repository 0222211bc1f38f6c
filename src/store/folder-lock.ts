import type { ClassicLevel } from 'classic-level'

import { StoreError } from '../api/errors.ts'
import { fileSystem } from './node.ts'

/**
 * The folders that this process has open, by device and inode: a path has many spellings. Also of other copies of this
 * package. LevelDB locks a path, and the system a file against other processes only.
 */
const openFolders: Set<string> = ((globalThis as Record<symbol, unknown>)[Symbol.for('xstate-mqtt.open-stores')] ??=
  new Set<string>()) as Set<string>

/** A folder that is there, and no other client's in this process. */
export interface FolderLock {
  /** Without symbolic links. LevelDB locks it against threads and processes by that. */
  readonly realPath: string
  release(): void
}

/**
 * Makes the folder if it is not there, and keeps it from other clients in this process.
 *
 * @throws {StoreError} if one has it, or it is no folder
 */
export function lockFolder(path: string): FolderLock {
  const { mkdirSync, realpathSync, statSync } = fileSystem()
  if (!statSync(path, { throwIfNoEntry: false })) mkdirSync(path, { recursive: true })
  const stats = statSync(path, { bigint: true })
  if (!stats.isDirectory()) throw new StoreError('foreign', path)
  const id = `${stats.dev}:${stats.ino}`
  if (openFolders.has(id)) throw new StoreError('locked', path)
  openFolders.add(id)
  return { realPath: realpathSync(path), release: () => void openFolders.delete(id) }
}

/**
 * Whether another process has a LevelDB open. It is asked without opening that, which would change it: an empty folder
 * is opened, whose lock is that of the other.
 */
export async function isOpenElsewhere(realPath: string, Level: typeof ClassicLevel): Promise<boolean> {
  const { existsSync, promises } = fileSystem()
  if (!existsSync(`${realPath}/LOCK`)) return false
  const { tmpdir } = process.getBuiltinModule('node:os')
  const folder = await promises.mkdtemp(`${tmpdir()}/xstate-mqtt-lock-`)
  try {
    await promises.symlink(`${realPath}/LOCK`, `${folder}/LOCK`)
    await new Level(folder, { createIfMissing: false }).open()
    return false
  } catch (error) {
    return (error as { cause?: { code?: unknown } }).cause?.code === 'LEVEL_LOCKED'
  } finally {
    await promises.rm(folder, { recursive: true, force: true })
  }
}
