import { existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'

import type { ConnectOptions, ResilientMqttClientOptions } from '../src/api/options.ts'
import { isPlain } from '../src/shared/read-options.ts'
import { checkOptions } from './check-options.ts'
import { UsageError } from './command.ts'

type Environment = Readonly<Record<string, string | undefined>>

type ConfigOptions = Omit<ResilientMqttClientOptions, 'options'> & { readonly options?: ConnectOptions }

export interface ConfigFile {
  readonly path: string
  /** They are checked, and contain no function. */
  readonly options: ConfigOptions
  /** The absolute paths of the files in it, by the options that have their contents, such as `options.tls.ca`. */
  readonly files: Readonly<Record<string, string>>
}

/**
 * Reads the config file: a JSON object with options of the client. In it, `{ "file": "ca.pem" }` is the contents of a file,
 * whose path is relative to the config file, and `"Infinity"` the number.
 *
 * @param path - of `--config`. Without it, XSTATE_MQTT_CONFIG has the path, or the file is looked for where configuration of
 *   the user is kept
 * @returns `undefined` if there is none
 * @throws {UsageError} if it can't be read, or is not JSON
 */
export function readConfigFile(path: string | undefined, env: Environment): ConfigFile | undefined {
  const named = path ?? (env.XSTATE_MQTT_CONFIG || undefined)
  const found = named === undefined ? defaultPath(env) : resolve(named)
  if (named === undefined && !existsSync(found)) return undefined
  const json = parse(found, readText(path === undefined ? found : '--config', found))
  if (!isPlain(json)) throw new UsageError(`${found} must be a JSON object with options of the client`)
  const files: Record<string, string> = {}
  const options = resolved(json, '', { path: found, files }) as ConfigOptions
  // The URL may come from elsewhere.
  const url = options.servers === undefined ? { url: 'mqtt://localhost' } : {}
  checkOptions({ ...url, ...options }, (option) => `${found}: ${option}`)
  return { path: found, options, files }
}

/** @param from - the flag, the variable or the file that has the path, for errors. @throws {UsageError} */
export function readText(from: string, path: string): string {
  return readBytes(from, path).toString('utf8')
}

function readBytes(from: string, path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (error) {
    throw new UsageError(`${from}: ${(error as Error).message}`)
  }
}

function defaultPath(env: Environment): string {
  const folder = env.XDG_CONFIG_HOME || (process.platform === 'win32' && env.APPDATA) || join(homedir(), '.config')
  return join(folder, 'xstate-mqtt.json')
}

function parse(path: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    // Without Node's message, which quotes the file, and a password with it.
    const position = /position (\d+)/.exec((error as Error).message)?.[1]
    const line = position === undefined ? '' : `, see line ${text.slice(0, Number(position)).split('\n').length}`
    throw new UsageError(`${path} is not JSON${line}`)
  }
}

const BINARY = new Set(['pfx', 'payload'])

interface Source {
  readonly path: string
  readonly files: Record<string, string>
}

/** Replaces what JSON can't say: files, and Infinity. */
function resolved(value: unknown, option: string, source: Source): unknown {
  if (value === 'Infinity') return Number.POSITIVE_INFINITY
  if (Array.isArray(value)) return value.map((each, index) => resolved(each, `${option}[${index}]`, source))
  if (!isPlain(value)) return value
  const entries = Object.entries(value)
  const [first] = entries
  // The option `recorder` has a file of its own.
  if (option !== 'recorder' && entries.length === 1 && first?.[0] === 'file' && typeof first[1] === 'string') {
    return contents(first[1], option, source)
  }
  return Object.fromEntries(
    entries.map(([name, each]) => [name, resolved(each, option === '' ? name : `${option}.${name}`, source)]),
  )
}

function contents(file: string, option: string, { path, files }: Source): string | Uint8Array {
  const found = resolve(dirname(path), file)
  const bytes = readBytes(`${path}: ${option}`, found)
  files[option] = found
  const name = option.replace(/.*\./, '')
  if (BINARY.has(name)) return bytes
  const text = bytes.toString('utf8')
  return name === 'password' || name === 'passphrase' ? firstLine(text) : text
}

/** Editors end a file with a line break, which is not part of a password. */
export function firstLine(text: string): string {
  return text.split(/\r?\n/, 1)[0] ?? ''
}
