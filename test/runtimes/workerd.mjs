// Runs the checks in workerd, the program behind Cloudflare Workers, from a bundle that is made as wrangler makes it.
import { build } from 'esbuild'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { checks } from './checks/checks.mjs'
import { freePort } from './processes.mjs'

const COMPATIBILITY_DATE = '2026-11-01'

/** What cannot work there, with the notes of docs/runtimes.md that say why. */
export const LIMITS = {
  ...Object.fromEntries(['tcp', 'tls', 'broker-tcp', 'half-open-tcp', 'wrong-ca-tls'].map((name) => [name, 'no ¹'])),
  'wrong-ca-wss': 'no ³',
  ...Object.fromEntries(
    'durable recorder visualizer-feed visualizer-page embedded-tcp embedded-ws scripted test-clock demo ends'
      .split(' ')
      .map((name) => [name, '⁴']),
  ),
}

/** What works differently there. */
export const NOTES = { unauthorized: '²' }

/** @returns the results of the checks, in their order */
export async function checkWorkerd(binary, lab, report) {
  const folder = mkdtempSync(join(tmpdir(), 'xstate-mqtt-workerd-'))
  const port = await freePort()
  try {
    await bundle(join(folder, 'worker.js'))
    writeFileSync(join(folder, 'config.capnp'), configuration(port, lab))
    const child = spawn(binary, ['serve', 'config.capnp'], { cwd: folder, stdio: ['ignore', 'ignore', 'ignore'] })
    try {
      const results = []
      for (const name of Object.keys(checks)) {
        const result = await ask(port, name)
        report(result)
        results.push(result)
      }
      return results
    } finally {
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

async function ask(port, name) {
  for (let tries = 0; ; tries++) {
    try {
      const response = await fetch(`http://127.0.0.1:${port}/?check=${name}`)
      const text = await response.text()
      if (response.ok) return JSON.parse(text)
      return { name, ok: false, note: `HTTP status ${response.status}: ${text.slice(0, 200)}` }
    } catch (error) {
      if (tries > 100) return { name, ok: false, note: String(error) }
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
}

function bundle(outfile) {
  return build({
    entryPoints: [fileURLToPath(new URL('checks/worker.mjs', import.meta.url))],
    outfile,
    bundle: true,
    format: 'esm',
    target: 'es2024',
    platform: 'browser',
    conditions: ['workerd', 'worker', 'browser'],
    external: ['cloudflare:*', 'node:*', ...builtinModules],
    logLevel: 'warning',
  })
}

function configuration(port, lab) {
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .worker),
    (name = "internet", network = (
      allow = ["public", "private"],
      tlsOptions = (trustBrowserCas = false, trustedCertificates = [${JSON.stringify(lab.ca)}]),
    )),
  ],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
);
const worker :Workerd.Worker = (
  modules = [(name = "worker.js", esModule = embed "worker.js")],
  compatibilityDate = "${COMPATIBILITY_DATE}",
  compatibilityFlags = ["nodejs_compat"],
  bindings = [(name = "LAB", text = ${JSON.stringify(JSON.stringify(lab))})],
);
`
}
