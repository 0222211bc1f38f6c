import { createRequire } from 'node:module'

/**
 * Loads an optional peer dependency with a literal `import()`, so bundlers and types still see the package.
 *
 * @throws Error naming the package to install, when it is missing.
 */
export async function importPeer<T>(load: () => Promise<T>, name: string, neededBy: string): Promise<T> {
  try {
    return await load()
  } catch (error) {
    throw explain(error, name, neededBy)
  }
}

/**
 * The same for a CommonJS peer that must load synchronously.
 *
 * @throws Error naming the package to install, when it is missing.
 */
export function requirePeer<T>(name: string, neededBy: string): T {
  try {
    return createRequire(import.meta.url)(name) as T
  } catch (error) {
    throw explain(error, name, neededBy)
  }
}

const NOT_FOUND = new Set(['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND'])

function explain(error: unknown, name: string, neededBy: string): unknown {
  if (!NOT_FOUND.has(String((error as NodeJS.ErrnoException | undefined)?.code))) return error
  return new Error(`${neededBy} needs the optional package ${name}. Install it: npm install --save-dev ${name}`, {
    cause: error,
  })
}
