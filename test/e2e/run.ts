import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** The built command line, as `npx xstate-mqtt` runs it. */
export const cli = 'dist/cli/main.js'

export interface Run {
  /** `null` if a signal ended it. */
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunningProcess {
  readonly ended: Promise<Run>
  /** Waits until stdout has a text. */
  shows(text: string, timeout?: number): Promise<void>
  /** Waits until stdout has a text so many times. */
  showsTimes(text: string, times: number, timeout?: number): Promise<void>
  /** Waits for the address of a page. */
  showsUrl(): Promise<string>
  kill(signal: NodeJS.Signals): void
}

interface RunOptions {
  readonly env?: Readonly<Record<string, string>>
  /** The folder in which it runs. @default the folder of the package */
  readonly cwd?: string
  /** Beyond it the process is killed, and the test fails. In milliseconds. */
  readonly timeout?: number
}

/** Runs a file with Node, in the package's folder and without a terminal. TypeScript files run with tsx. */
export function start(file: string, args: readonly string[] = [], options: RunOptions = {}): RunningProcess {
  const { env = {}, cwd = root, timeout = 40_000 } = options
  const loader = file.endsWith('.ts') ? ['--import', 'tsx'] : []
  const child = spawn(process.execPath, [...loader, file, ...args], {
    cwd,
    env: { ...process.env, MQTT_PASSWORD: undefined, FORCE_COLOR: undefined, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk) => (stdout += String(chunk)))
  child.stderr.on('data', (chunk) => (stderr += String(chunk)))
  onTestFinished(() => void child.kill('SIGKILL'))

  const ended = new Promise<Run>((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL')
      reject(new Error(`${file} took longer than ${timeout} ms:\n${stdout}${stderr}`))
    }, timeout)
    child.on('error', reject)
    child.on('close', (code) => {
      clearTimeout(timer)
      resolve({ code, stdout, stderr })
    })
  })
  // A test that ends for another reason does not wait for it.
  ended.catch(() => {})

  const showsTimes = (text: string, times: number, within = 30_000) =>
    new Promise<void>((resolve, reject) => {
      const look = () => {
        if (stdout.split(text).length <= times) return
        clearTimeout(timer)
        child.stdout.off('data', look)
        resolve()
      }
      const timer = setTimeout(() => reject(new Error(`no “${text}” within ${within} ms:\n${stdout}${stderr}`)), within)
      child.stdout.on('data', look)
      look()
    })
  const shows = (text: string, within?: number) => showsTimes(text, 1, within)
  const showsUrl = async () => {
    await shows('http://')
    return /http:\/\/\S+/.exec(stdout)?.[0] ?? ''
  }
  return { ended, shows, showsTimes, showsUrl, kill: (signal) => void child.kill(signal) }
}

export function run(file: string, args: readonly string[] = [], options: RunOptions = {}): Promise<Run> {
  return start(file, args, options).ended
}
