// Adds the optional packages of other platforms to package-lock.json. `npm install` leaves them out if the registry is a
// mirror with packages for this platform only, and `npm ci` then refuses the lock file on all platforms. Run this after an
// upgrade, if `npm ci` says "Missing: … from lock file".
import { readFileSync, writeFileSync } from 'node:fs'

const file = new URL('../package-lock.json', import.meta.url)
const lock = JSON.parse(readFileSync(file, 'utf8'))
const PLATFORM =
  /(?:^|[/-])(android|darwin|freebsd|linux|openharmony|win32)-(arm|arm64|ia32|ppc64|riscv64|s390x|x64)(?:-(\w+))?$/

const added = Object.entries(lock.packages).flatMap(([path, { optionalDependencies = {}, dev }]) =>
  Object.entries(optionalDependencies).flatMap(([name, version]) => {
    const [, os, cpu, abi] = PLATFORM.exec(name) ?? []
    const nested = `${path}/node_modules/${name}`
    const hoisted = `node_modules/${name}`
    if (!os || nested in lock.packages || hoisted in lock.packages) return []
    const libc = { gnu: ['glibc'], musl: ['musl'] }[abi]
    return [[hoisted, { version, cpu: [cpu], ...(dev && { dev }), ...(libc && { libc }), optional: true, os: [os] }]]
  }),
)

const sorted = [...Object.entries(lock.packages), ...added].toSorted(([a], [b]) => a.localeCompare(b, 'en'))
writeFileSync(file, `${JSON.stringify({ ...lock, packages: Object.fromEntries(sorted) }, null, 2)}\n`)
console.log(`${added.length} packages added`)
