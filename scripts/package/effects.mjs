import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseSync } from 'vite'

import { dist } from './root.mjs'

/** A file that consists of these has an effect only if somebody calls what it exports. */
const DECLARATIONS = new Set([
  'ClassDeclaration',
  'ExportAllDeclaration',
  'ExportDefaultDeclaration',
  'ExportNamedDeclaration',
  'FunctionDeclaration',
  'VariableDeclaration',
])

/**
 * Finds files that do something when they are imported: package.json says `"sideEffects": false`, and bundlers leave such
 * files out. Only the program of the command line may, because nothing imports it.
 */
export function findEffects() {
  return readdirSync(dist, { recursive: true, encoding: 'utf8' })
    .filter(
      (file) => file.endsWith('.js') && file !== join('cli', 'main.js') && !file.startsWith(join('visualizer', 'page')),
    )
    .flatMap((file) => {
      const code = readFileSync(join(dist, file), 'utf8')
      return statementsWithEffect(code).map((text) => `dist/${file} has a side effect: ${text.slice(0, 80)}`)
    })
}

/** The statements at the top of a module that are neither declarations nor imports of names. */
function statementsWithEffect(code) {
  return parseSync('module.js', code)
    .program.body.filter(({ type, specifiers, directive }) =>
      type === 'ImportDeclaration' ? specifiers.length === 0 : !directive && !DECLARATIONS.has(type),
    )
    .map(({ start, end }) => code.slice(start, end))
}
