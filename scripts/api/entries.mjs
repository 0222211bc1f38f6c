import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = new URL('../../', import.meta.url)

/** The entries of the package that have types: the specifier, the file of its types, and the name of its page. */
export function entries() {
  const { name, exports } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'))
  return Object.entries(exports).flatMap(([path, conditions]) => {
    const types = firstTypes(conditions)
    return types ? [{ specifier: path.replace('.', name), types: types.slice(2), page: path.slice(2) || name }] : []
  })
}

/** Changes whenever a declaration or a docstring changes. dist has only the declarations that an entry reaches. */
export function declarationsHash() {
  const dist = new URL('dist/', root)
  const hash = createHash('sha256')
  const files = readdirSync(fileURLToPath(dist), { recursive: true, encoding: 'utf8' })
  for (const file of files.map((each) => each.replaceAll('\\', '/')).toSorted()) {
    if (file.endsWith('.d.ts')) hash.update(`${file}\n${readFileSync(new URL(file, dist), 'utf8')}\n`)
  }
  return hash.digest('hex').slice(0, 16)
}

/** The file of the condition `types`, at any depth. */
function firstTypes(conditions) {
  if (typeof conditions !== 'object' || conditions === null) return undefined
  return conditions.types ?? Object.values(conditions).map(firstTypes).find(Boolean)
}
