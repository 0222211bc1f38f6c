import type { LevelDatabase } from './database.ts'

/** How a store is called in errors. */
export function locationOf(store: string | LevelDatabase): string {
  if (typeof store === 'string') return store
  return (store as { location?: string }).location ?? 'of the application'
}
