import type { ClassicLevel } from 'classic-level'

import { StoreError } from '../api/errors.ts'
import { makeFolder } from '../shared/make-folder.ts'
import { fileSystem } from './node.ts'

/**
 * The folders that this process has open, by device and inode, because a path has many spellings. Other copies of this
 * package share the set. LevelDB locks only a path, and the system locks a file only against other processes.
 */
const openFolders: Set<string> = ((globalThis as Record<symbol, unknown>)[Symbol.for('xstate-mqtt.open-stores')] ??=
  new Set<string>()) as Set<string>

/** A folder that exists and that no other client of this process has open. */
export interface FolderLock {
  /** The path without symbolic links. LevelDB locks this path against threads and processes. */
  readonly realPath: string
  release(): void
}

/**
 * Creates the folder if necessary, and locks it against other clients in this process.
 *
 * @throws {StoreError} if another client has it, or it is not a folder
 * @throws the error of the file system, if it cannot be created
 */
export async function lockFolder(path: string): Promise<FolderLock> {
  await makeFolder(path)
  const { realpathSync, statSync } = fileSystem()
  const stats = statSync(path, { bigint: true })
  if (!stats.isDirectory()) throw new StoreError('foreign', path)
  const id = `${stats.dev}:${stats.ino}`
  if (openFolders.has(id)) throw new StoreError('locked', path)
  openFolders.add(id)
  return { realPath: realpathSync(path), release: () => void openFolders.delete(id) }
}

/**
 * Whether another process has a LevelDB open. Opening the database itself would change it. Instead, an empty folder is
 * opened whose lock file is that of the database.
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
