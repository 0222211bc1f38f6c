import { sep } from 'node:path'

const NOT_FOUND = new Set(['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND'])

/** Returns the package that is not installed, if that is why a command failed; `undefined` otherwise. */
export function missingPackage(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  const { code } = error as NodeJS.ErrnoException
  if (code === undefined || !NOT_FOUND.has(code)) return missingPackage(error.cause)
  return /^Cannot find (?:package|module) '(?<name>(?:@[\w.-]+\/)?[\w-][\w.-]*)/.exec(error.message)?.groups?.name
}

/** Brokers of this process are for tests, and the store is for the application. */
const FOR_DEVELOPMENT = new Set(['aedes'])

interface Place {
  /** The path of a file of this package. */
  readonly file: string
  /** The working directory. */
  readonly folder: string
}

/**
 * Says how to run a command whose optional package is missing: by installing it, if this package is installed in the project
 * of the working directory, and otherwise by letting npx fetch both, because there is no project to install it in.
 */
export function installAdvice(missing: string, command: string, { file, folder }: Place): string {
  const what = `the optional package ${missing} is not installed`
  if (isOfProject(file, folder)) {
    return `${what}: npm install ${FOR_DEVELOPMENT.has(missing) ? '--save-dev ' : ''}${missing}`
  }
  return `${what}: npx --package xstate-mqtt --package ${missing} xstate-mqtt ${command}`
}

/** Whether a `node_modules` at or above the working directory has the file. npx and global installations have their own. */
function isOfProject(file: string, folder: string): boolean {
  const at = file.indexOf(`${sep}node_modules${sep}`)
  return at !== -1 && `${folder}${sep}`.startsWith(`${file.slice(0, at)}${sep}`)
}
