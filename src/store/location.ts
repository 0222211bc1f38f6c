import type { LevelDatabase } from '../api/level-database.ts'

/** Resolves a path once, because the working directory of the process may change. */
export function absolute<Database>(store: string | Database): string | Database {
  // A browser has neither of these, nor `classic-level`.
  if (typeof store !== 'string' || typeof process === 'undefined' || !process.getBuiltinModule) return store
  return process.getBuiltinModule('node:path').resolve(store)
}

/** The name of a store in errors. */
export function locationOf(store: string | LevelDatabase): string {
  if (typeof store === 'string') return store
  return (store as { location?: string }).location ?? 'of the application'
}

/** The database that a sublevel is part of, or the database itself. */
export function rootOf(database: LevelDatabase): object {
  const { db } = database as { readonly db?: Partial<LevelDatabase> | null }
  // The `db` of a `browser-level` is its IndexedDB, once it is open.
  return typeof db?.batch === 'function' ? db : database
}
