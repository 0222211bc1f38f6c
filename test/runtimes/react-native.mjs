// Builds a bundle for React Native with metro and React Native's preset of Babel, compiles it with the compiler of Hermes, and runs
// it with no other globals than React Native has. Its engine is that of Node: the package of Hermes has only the compiler.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createContext, runInContext } from 'node:vm'

const root = dirname(fileURLToPath(import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'xstate-mqtt-metro-'))
try {
  const bundle = join(folder, 'app.js')
  await build(bundle)
  const hermesc = join(root, 'node_modules/hermes-compiler/hermesc/linux64-bin/hermesc')
  execFileSync(hermesc, ['-w', '-emit-binary', '-out', join(folder, 'app.hbc'), bundle])
  const { ws } = JSON.parse(process.env.LAB)
  console.log(await run(readFileSync(bundle, 'utf8'), ws))
  process.exit()
} finally {
  rmSync(folder, { recursive: true })
}

async function build(out) {
  const require = createRequire(import.meta.url)
  const Metro = require('metro')
  const { getDefaultConfig, mergeConfig } = require('@react-native/metro-config')
  const base = getDefaultConfig(root)
  const config = mergeConfig(base, {
    projectRoot: root,
    watchFolders: [root],
    maxWorkers: 1,
    reporter: { update: () => {} },
    // The default would load React Native itself.
    serializer: { getModulesRunBeforeMainModule: () => [] },
  })
  await Metro.runBuild(config, { entry: 'checks/react-native.js', platform: 'ios', dev: false, minify: false, out })
}

async function run(code, url) {
  const app = {
    navigator: { product: 'ReactNative' },
    process: { env: {} },
    WebSocket,
    URL,
    console,
    setTimeout,
    clearTimeout,
    setInterval,
    clearInterval,
    setImmediate,
    clearImmediate,
    queueMicrotask,
    AbortController,
    AbortSignal,
    TextEncoder,
    TextDecoder,
    performance,
    Blob,
    Response,
    fetch,
    Event,
    EventTarget,
  }
  Object.assign(app, { window: app, global: app, self: app })
  runInContext(code, createContext(app))
  return app.check(url)
}
