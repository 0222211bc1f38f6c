import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { fileURLToPath } from 'node:url'

import { mosquittoEnv } from '../lab/mosquitto.ts'
import type { Contender } from './rows/row.ts'

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
    ['classic-level', '../../node_modules/classic-level/package.json'],
    ...PACKAGES.map((each) => [each, `node_modules/${each}/package.json`] as const),
  ] as const) {
    const url = new URL(file, import.meta.url)
    if (existsSync(url)) found[name] = (JSON.parse(readFileSync(url, 'utf8')) as { version: string }).version
  }
  const mosquitto = mosquittoVersion()
  return mosquitto === undefined ? found : { ...found, mosquitto }
}

/** The contenders whose packages only measure/bench installs. */
const PACKAGES = ['aws-crt', 'mqtt-level-store', 'mqtt-jsonl-store'] as const

/** The contenders that cannot take part, each with the reason. */
export function contendersMissing(): ReadonlyMap<Contender, string> {
  const missing = new Map<Contender, string>()
  for (const name of PACKAGES) {
    if (!existsSync(new URL(`node_modules/${name}`, import.meta.url))) {
      missing.set(name, 'npm ci --prefix measure/bench installs it')
      continue
    }
    // In a separate process, because the threads of aws-crt would keep this one alive.
    const { status } = spawnSync(process.execPath, ['-e', `import('${name}').then(() => process.exit(0))`], {
      cwd: HERE,
    })
    if (status !== 0) missing.set(name, 'it does not load on this machine')
  }
  return missing
}

/** The reason why a process cannot open this many files and sockets, and what would help. */
export function openFilesMissing(needed: number): string | undefined {
  // Node has raised the soft limit to the hard one at its start, and its child processes inherit it.
  const report = process.report.getReport() as { userLimits?: { open_files?: { soft: number | 'unlimited' } } }
  const limit = report.userLimits?.open_files?.soft
  if (typeof limit !== 'number' || limit >= needed) return undefined
  return `a process may open only ${limit} files; raise the limit with: ulimit -Hn ${needed} (as root)`
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
