import type { LevelDatabase } from '../api/level-database.ts'

/** A path at once, and for good: the working directory of the process may change. */
export function absolute<Database>(store: string | Database): string | Database {
  // A browser has neither, and no `classic-level`.
  if (typeof store !== 'string' || typeof process === 'undefined' || !process.getBuiltinModule) return store
  return process.getBuiltinModule('node:path').resolve(store)
}

/** How a store is called in errors. */
export function locationOf(store: string | LevelDatabase): string {
  if (typeof store === 'string') return store
  return (store as { location?: string }).location ?? 'of the application'
}
