import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { fileURLToPath } from 'node:url'

import { mosquittoEnv } from '../lab/mosquitto.ts'

const HERE = fileURLToPath(new URL('.', import.meta.url))

/** The machine on which the figures were taken. */
export function machine() {
  const [cpu] = cpus()
  return {
    cpu: cpu?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    platform: `${process.platform} ${process.arch}`,
  }
}

export function versions(): Record<string, string> {
  const found: Record<string, string> = { node: process.version.slice(1) }
  for (const [name, file] of [
    ['mqtt', '../../node_modules/mqtt/package.json'],
    ['xstate', '../../node_modules/xstate/package.json'],
    ['aws-crt', 'node_modules/aws-crt/package.json'],
  ] as const) {
    const url = new URL(file, import.meta.url)
    if (existsSync(url)) found[name] = (JSON.parse(readFileSync(url, 'utf8')) as { version: string }).version
  }
  const mosquitto = mosquittoVersion()
  return mosquitto === undefined ? found : { ...found, mosquitto }
}

/** The reason why aws-crt cannot take part, if it cannot. It is a native package that only measure/bench installs. */
export function awsCrtMissing(): string | undefined {
  if (!existsSync(new URL('node_modules/aws-crt', import.meta.url))) return 'npm ci --prefix measure/bench installs it'
  // In a separate process, because its threads would keep this one alive.
  const { status } = spawnSync(process.execPath, ['-e', "import('aws-crt').then(() => process.exit(0))"], { cwd: HERE })
  return status === 0 ? undefined : 'its native binary does not load on this machine'
}

function mosquittoVersion(): string | undefined {
  try {
    // mosquitto has no option for its version. Its help begins with the version, and it exits with code 3.
    return /mosquitto version (\S+)/.exec(help())?.[1]
  } catch {
    return undefined
  }
}

function help(): string {
  try {
    return execFileSync('mosquitto', ['-h'], { env: mosquittoEnv(), encoding: 'utf8', stdio: 'pipe' })
  } catch (error) {
    return String((error as { stdout?: unknown }).stdout)
  }
}
