// Deletes the declarations in dist that no entry of the package reaches: they describe what users cannot import.
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const RELATIVE = /['"](\.\.?\/[^'"]+)\.[jt]s['"]/g

const root = fileURLToPath(new URL('..', import.meta.url))
const { exports: entries } = JSON.parse(readFileSync(resolve(root, 'package.json'), 'utf8'))

const reached = new Set(typesOf(entries).map((file) => resolve(root, file)))
// What is added meanwhile is visited, too.
for (const file of reached) {
  for (const [, imported] of readFileSync(file, 'utf8').matchAll(RELATIVE)) {
    reached.add(`${resolve(dirname(file), imported)}.d.ts`)
  }
}

const dist = resolve(root, 'dist')
for (const name of readdirSync(dist, { recursive: true, encoding: 'utf8' })) {
  const file = resolve(dist, name)
  if (file.endsWith('.d.ts') && !reached.has(file)) rmSync(file)
}

/** The files of all conditions `types`, at any depth. */
function typesOf(conditions) {
  if (typeof conditions !== 'object' || conditions === null) return []
  return Object.entries(conditions).flatMap(([name, value]) =>
    name === 'types' && typeof value === 'string' ? [value] : typesOf(value),
  )
}
