/**
 * Loads an optional peer dependency. The caller passes a literal `import()`, so that bundlers and the compiler see it.
 *
 * @throws {Error} if the package is not installed. The message says how to install it.
 */
export async function importPeer<T>(load: () => Promise<T>, name: string, neededBy: string): Promise<T> {
  try {
    return await load()
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
