import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { freePort } from '../../../measure/lab/ports.ts'
import { Daemon } from './daemon.ts'
import type { FieldBroker, Product } from './product.ts'

const cache = fileURLToPath(new URL('../../../.cache/field', import.meta.url))

export const aedes = fromNpm({
  name: 'aedes',
  version: '1.2.0',
  script: `
    import { createServer } from 'node:net'
    import { Aedes } from 'aedes'
    const broker = await Aedes.createBroker({
      authorizeSubscribe: (client, subscription, done) =>
        done(null, subscription.topic.startsWith('denied/') ? null : subscription),
    })
    createServer(broker.handle).listen(Number(process.argv[2]), '127.0.0.1')
  `,
})

export const mosca = fromNpm({
  name: 'mosca',
  version: '2.8.3',
  // Later versions refuse the schemas of mosca.
  overrides: { jsonschema: '1.2.6' },
  script: `
    import mosca from 'mosca'
    const server = new mosca.Server({
      host: '127.0.0.1',
      port: Number(process.argv[2]),
      persistence: { factory: mosca.persistence.Memory },
    })
    server.authorizeSubscribe = (client, topic, done) => done(null, !topic.startsWith('denied/'))
  `,
})

interface Package {
  readonly name: string
  readonly version: string
  readonly overrides?: Readonly<Record<string, string>>
  /** A module that starts the broker on 127.0.0.1. The port is its first argument. */
  readonly script: string
}

/** A broker that is written in JavaScript. It is installed before its first start, and has no sessions after a restart. */
function fromNpm({ name, version, overrides = {}, script }: Package): Product {
  return {
    name,
    version,
    howToInstall: 'npm run test:field',
    async start(): Promise<FieldBroker> {
      const folder = join(cache, `${name}-${version}`)
      if (!existsSync(join(folder, 'node_modules', name))) install(folder, { [name]: version }, overrides)
      const port = await freePort()
      const file = join(folder, 'broker.mjs')
      writeFileSync(file, script)
      const server = await Daemon.start(name, () => ({ port, command: process.execPath, args: [file, String(port)] }))
      return {
        url: `mqtt://127.0.0.1:${port}`,
        up: () => server.up(),
        down: () => server.down(),
        [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
      }
    },
  }
}

function install(folder: string, dependencies: object, overrides: object): void {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, dependencies, overrides }))
  const quiet = ['--silent', '--no-audit', '--no-fund']
  execFileSync('npm', ['install', '--ignore-scripts', ...quiet, '--prefix', folder], { stdio: 'pipe' })
}
