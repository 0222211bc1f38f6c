const NOT_FOUND = new Set(['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND'])

/** Returns the package that is not installed, if that is why a command failed; `undefined` otherwise. */
export function missingPackage(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  const { code } = error as NodeJS.ErrnoException
  if (code === undefined || !NOT_FOUND.has(code)) return missingPackage(error.cause)
  return /^Cannot find (?:package|module) '(?<name>(?:@[\w.-]+\/)?[\w-][\w.-]*)/.exec(error.message)?.groups?.name
}
