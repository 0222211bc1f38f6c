// Runs the checks in a process of a runtime.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createEmbeddedBroker } from 'xstate-mqtt/testing'

/** How long a process may live after its work is done, in milliseconds. */
const ENDS_WITHIN = 5_000
const ALL_WITHIN = 240_000

const checks = (file) => fileURLToPath(new URL(`checks/${file}`, import.meta.url))
const cli = fileURLToPath(new URL('node_modules/xstate-mqtt/dist/cli/main.js', import.meta.url))

/** @returns the results of all checks in the runtime, by name */
export async function checkProcess({ command }, lab, report) {
  const results = []
  const add = (result) => {
    results.push(result)
    report(result)
  }
  let last = Date.now()
  const main = start(command, checks('run.mjs'), lab, (line) => {
    add(JSON.parse(line))
    last = Date.now()
  })
  const code = await main.exit(ALL_WITHIN)
  const took = Date.now() - last
  add({ name: 'ends', ok: code === 0 && took < ENDS_WITHIN, note: code === 0 ? '' : `exit code ${code}`, took })
  add(await timed('durable', () => durable(command)))
  add(await timed('demo', () => demo(command)))
  return results
}

/** A process is killed with durable publishes in its store, and the next one delivers them. */
async function durable(command) {
  const folder = mkdtempSync(join(tmpdir(), 'xstate-mqtt-store-'))
  try {
    const facts = { store: join(folder, 'store'), url: `mqtt://127.0.0.1:${await freePort()}` }
    const killed = start(command, checks('durable.mjs'), facts)
    await killed.line('accepted')
    await killed.kill()
    const broker = await createEmbeddedBroker({ port: Number(new URL(facts.url).port) })
    try {
      const next = start(command, checks('durable.mjs'), { ...facts, deliver: true })
      const code = await next.exit(20_000)
      const lines = next.lines.join(' ')
      if (code !== 0 || lines !== 'a 1 b 2 c 3') throw new Error(`exit code ${code}, delivered: ${lines}`)
    } finally {
      await broker.stop()
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function demo(command) {
  const began = Date.now()
  const process = start(command, cli, undefined, undefined, ['demo'])
  const code = await process.exit(60_000)
  if (code !== 0) throw new Error(`exit code ${code}: ${process.lines.slice(-3).join(' / ')}`)
  return `${Math.round((Date.now() - began) / 1_000)} s`
}

async function timed(name, check) {
  const began = Date.now()
  try {
    const note = await check()
    return { name, ok: true, note, took: Date.now() - began }
  } catch (error) {
    return { name, ok: false, note: error.message, took: Date.now() - began }
  }
}

function start([program, ...flags], script, facts, onLine = () => {}, args = []) {
  const env = { ...process.env, LAB: JSON.stringify(facts ?? {}) }
  const child = spawn(program, [...flags, script, ...args], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = once(child, 'exit').then(([code, signal]) => code ?? signal)
  const lines = []
  const waiting = new Map()
  let rest = ''
  child.stdout.setEncoding('utf8').on('data', (text) => {
    const parts = (rest + text).split('\n')
    rest = parts.pop()
    for (const line of parts) {
      lines.push(line)
      onLine(line)
      waiting.get(line)?.()
    }
  })
  return {
    lines,
    line: (expected) =>
      Promise.race([
        new Promise((resolve) => waiting.set(expected, resolve)),
        exited.then((code) => {
          throw new Error(`It ended with ${code}, and did not print ${expected}`)
        }),
      ]),
    async kill() {
      child.kill('SIGKILL')
      await exited
    },
    async exit(within) {
      const timer = setTimeout(() => child.kill('SIGKILL'), within)
      try {
        return await exited
      } finally {
        clearTimeout(timer)
      }
    },
  }
}

export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}
