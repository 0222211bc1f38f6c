import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { dist, manifest, root } from './root.mjs'

/** Licenses that ask for no more than a notice. Elkjs may be used under the EPL, unchanged, with a link to its source. */
const ACCEPTED = /^(0BSD|Apache-2\.0|BSD-[23]-Clause|BlueOak-1\.0\.0|ISC|MIT|Unlicense)$/
const ACCEPTED_IN_PAGE = /^(MIT|EPL-2\.0 OR GPL-3\.0-or-later)$/

const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'))

/** The tables of docs/licenses.md, and what is wrong with the licenses. */
export function licenses() {
  const installed = closure(Object.keys(manifest.dependencies))
  const optional = closure(Object.keys(manifest.peerDependencies)).filter(
    ([name]) => !installed.some(([n]) => n === name),
  )
  const page = bundledInPage()
  const problems = [
    ...[...installed, ...optional].filter(([, license]) => !ACCEPTED.test(license)),
    ...page.filter(([, license]) => !ACCEPTED_IN_PAGE.test(license)),
  ].map(([name, license]) => `${name} has the license ${license}: see scripts/package/licenses.mjs`)
  const missing = page.length === 0 ? ['dist/visualizer/page/THIRD-PARTY.txt lists no package'] : []
  return {
    blocks: { installed: table(installed), optional: table(optional), page: table(page) },
    problems: [...problems, ...missing],
  }
}

/** These packages and all that they depend on, by the lock file, as pairs of name and license. */
function closure(names) {
  const found = new Map()
  const visit = (name, from) => {
    const path = resolve(name, from)
    if (path === undefined || found.has(path)) return
    const { license = 'unknown', dependencies = {} } = packages[path]
    found.set(path, [name, license])
    for (const each of Object.keys(dependencies)) visit(each, path)
  }
  for (const name of names) visit(name, '')
  const pairs = new Map([...found.values()].map(([name, license]) => [`${name} ${license}`, [name, license]]))
  return [...pairs.values()].toSorted(([a], [b]) => a.localeCompare(b, 'en'))
}

/** The path in the lock file of the package that Node finds from the package at a path. */
function resolve(name, from) {
  for (let folder = from; ; folder = folder.slice(0, folder.lastIndexOf('node_modules/')).replace(/\/$/, '')) {
    const path = `${folder && `${folder}/`}node_modules/${name}`
    if (path in packages) return path
    if (folder === '') return undefined
  }
}

/** Vite lists in this file whose code is in the page, with the texts of the licenses. */
function bundledInPage() {
  const text = readFileSync(join(dist, 'visualizer/page/THIRD-PARTY.txt'), 'utf8')
  return [...text.matchAll(/^## (\S+) - \S+ \((.+)\)$/gm)].map(([, name, license]) => [name, license])
}

function table(pairs) {
  return ['| package | license |', '| --- | --- |', ...pairs.map(([name, license]) => `| ${name} | ${license} |`)].join(
    '\n',
  )
}
