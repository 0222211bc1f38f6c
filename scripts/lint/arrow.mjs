// An oxlint plugin with one rule, `house/arrow`, which enforces the list in rooms.mjs, also for type-only imports.
import { dirname, relative, resolve, sep } from 'node:path'

import { computedImports, rooms } from './rooms.mjs'

/** @param {string} file - its path from the root, with slashes */
function roomOf(file) {
  const fitting = rooms.filter(({ room }) => isWithin(file, room))
  return fitting.toSorted((a, b) => b.room.length - a.room.length)[0]
}

/**
 * @param {string} path
 * @param {string} folder - a folder or a file
 */
function isWithin(path, folder) {
  return path === folder || path.startsWith(`${folder}/`)
}

/**
 * Returns why a file may not import something.
 *
 * @param {string} file - its path from the root, with slashes
 * @param {string} specifier - the specifier of the import
 * @returns {string | undefined} `undefined` if the import is allowed
 */
export function objection(file, specifier) {
  const from = roomOf(file)
  if (!from) return homelessness(file)
  if (!specifier.startsWith('.')) {
    if (from.packages.some((name) => isPackage(specifier, name))) return undefined
    return `${from.room} must not import the package ${specifier}`
  }
  const target = slashes(relative('/', resolve('/', dirname(file), specifier)))
  const to = roomOf(target)
  if (!to) return `${from.room} must not import ${target}, which belongs to no room`
  if (to === from) return undefined
  const isSeen = from.sees ? from.sees.some((path) => isWithin(target, path)) : rooms.indexOf(to) < rooms.indexOf(from)
  return isSeen ? undefined : `${from.room} must not import from ${to.room}`
}

/**
 * Returns why a file may not exist where it is. The configuration of tools in the root belongs to no room.
 *
 * @param {string} file - its path from the root, with slashes
 * @returns {string | undefined} `undefined` if it belongs to a room
 */
export function homelessness(file) {
  return !file.includes('/') || roomOf(file) ? undefined : `${file} belongs to no room`
}

/**
 * @param {string} specifier
 * @param {string} name - see `packages` in rooms.mjs
 */
function isPackage(specifier, name) {
  return name.endsWith('*') ? specifier.startsWith(name.slice(0, -1)) : isWithin(specifier, name)
}

/** @param {string} path */
function slashes(path) {
  return path.split(sep).join('/')
}

const arrow = {
  create(context) {
    const file = slashes(relative(context.cwd, context.filename))
    const report = (node, problem) => {
      if (problem) context.report({ node, message: `${problem}: see scripts/lint/rooms.mjs` })
    }
    const check = ({ source }) => {
      if (source) report(source, objection(file, source.value.split('?')[0]))
    }
    return {
      Program: (node) => report(node, homelessness(file)),
      ImportDeclaration: check,
      ImportExpression: (node) => {
        if (typeof node.source.value === 'string') check(node)
        else if (!computedImports.includes(file)) report(node.source, 'import() needs a literal string')
      },
      ExportAllDeclaration: check,
      ExportNamedDeclaration: check,
    }
  },
}

export default { meta: { name: 'house' }, rules: { arrow } }
