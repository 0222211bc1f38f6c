import { readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseSync } from 'vite'

import { entries } from './entries.mjs'

const root = fileURLToPath(new URL('../..', import.meta.url))
const DURATION =
  /(?:delay|timeout|interval|keepalive|expiry|duration|maxage|silence|patience|pause|ttl|lifetime|period)$|^(?:after|every|within)$/i
const ERRORS = /@throws|\b(?:throws?|rejects?|reported)\b/i
/** A type that has a value for each member, from the application or by default. */
const COMPLETED = /(?:Policy|Timeouts)$/
/** A literal, and then a sentence. */
const DESCRIPTION_AFTER_DEFAULT = /@default\s+\S+\s+(?:The|[A-Z][a-z]+)\s+[a-z]/
const UNIT = /millisecond|second|minute|\bms\b|timestamp|epoch/i

/** What the docstrings of everything that the entries export do not say. */
export function undocumented() {
  const files = new Map()
  const found = entries().flatMap(({ types }) => exportsOf(join(root, types), files).flatMap(lacks))
  return [...new Set(found)].toSorted((a, b) => a.localeCompare(b, 'en'))
}

/** The same for what a single file of types exports. */
export function undocumentedIn(path, code) {
  const file = join(root, path)
  return exportsOf(file, new Map([[file, parsed(file, code)]])).flatMap(lacks)
}

/** The declarations that a file of types exports, here or from other files of the package. */
function exportsOf(file, files) {
  const module = read(file, files)
  return module.body.flatMap((statement) => {
    if (statement.type !== 'ExportNamedDeclaration') return []
    if (statement.declaration) {
      return declared(statement.declaration).map((name) => ({ name, file: module, node: statement }))
    }
    return statement.specifiers.flatMap(({ local, exported }) => {
      const from = statement.source?.value ?? module.imports.get(local.name)
      if (from && !from.startsWith('.')) return []
      const target = from ? exportsOf(join(dirname(file), from.replace(/\.[jt]s$/, '.d.ts')), files) : locals(module)
      return target
        .filter(({ name, exported: seen = name }) => seen === local.name)
        .map((each) => ({ ...each, exported: exported.name }))
    })
  })
}

function locals(module) {
  return module.body.flatMap((node) => declared(node).map((name) => ({ name, file: module, node })))
}

function declared(node) {
  if (node.type === 'VariableDeclaration') return node.declarations.map(({ id }) => id.name)
  return node.id ? [node.id.name] : []
}

function read(path, files) {
  const known = files.get(path)
  if (known) return known
  const module = parsed(path, readFileSync(path, 'utf8'))
  files.set(path, module)
  return module
}

function parsed(path, code) {
  const { program, comments } = parseSync(path, code)
  const imports = new Map(
    program.body
      .filter(({ type }) => type === 'ImportDeclaration')
      .flatMap(({ specifiers, source }) => specifiers.map(({ local }) => [local.name, source.value])),
  )
  const docs = new Map(comments.filter(({ value }) => value.startsWith('*')).map(({ end, value }) => [end, value]))
  return { path: relative(root, path), code, body: program.body, imports, docs }
}

function lacks({ name, file: module, node, exported = name }) {
  const declaration = node.declaration ?? node
  const overloads = module.body.filter((each) => declared(each.declaration ?? each).includes(name))
  const own = overloads.some((each) => docOf(module, each) !== undefined)
    ? []
    : [`${module.path}: ${exported} has no docstring`]
  const callables = overloads.map((each) => each.declaration ?? each).filter(({ params }) => params)
  const docs = overloads.map((each) => docOf(module, each) ?? '').join('\n')
  if (callables.some(takesOptions) && !ERRORS.test(docs)) {
    own.push(`${module.path}: ${exported} does not say its errors`)
  }
  const facts = {
    isOptions: /(?:Options|Policy|Timeouts|ConnectionInput)$/.test(name),
    isCompleted: COMPLETED.test(name),
    saysUnit: UNIT.test(docs),
    saysErrors: ERRORS.test(docs),
  }
  return [
    ...own,
    ...membersOf(declaration).flatMap((member) => memberLacks(`${exported}.${keyOf(member)}`, module, member, facts)),
  ]
}

function membersOf({ type, body, typeAnnotation }) {
  if (type === 'TSInterfaceDeclaration' || type === 'ClassDeclaration') return body.body
  return typeAnnotation?.type === 'TSTypeLiteral' ? typeAnnotation.members : []
}

function memberLacks(name, module, member, { isOptions, isCompleted, saysUnit, saysErrors }) {
  const forbidden = member.typeAnnotation?.typeAnnotation.type === 'TSNeverKeyword'
  if (!keyOf(member) || member.accessibility === 'private' || forbidden) return []
  const doc = docOf(module, member) ?? ''
  const problems = []
  if (isOptions && doc === '') problems.push('has no docstring')
  if (isOptions && (member.optional || isCompleted) && !/@default/.test(doc)) problems.push('has no @default')
  if (DESCRIPTION_AFTER_DEFAULT.test(doc)) problems.push('has its description in its @default')
  if (isNumber(member) && DURATION.test(keyOf(member)) && !saysUnit && !UNIT.test(doc)) {
    problems.push('does not say its unit')
  }
  const takes = member.value?.params && takesOptions(member.value)
  if (takes && !saysErrors && !ERRORS.test(docsOfName(module, member))) {
    problems.push('does not say its errors')
  }
  return problems.map((problem) => `${module.path}: ${name} ${problem}`)
}

/** Wrong options are errors: a function that takes some can fail. Those of an error, such as its cause, are never wrong. */
function takesOptions({ params }) {
  return params.some(({ typeAnnotation }) => {
    const type = typeAnnotation?.typeAnnotation
    return type?.type === 'TSTypeReference' && /(?<!Error)Options$/.test(`${type.typeName.name}`)
  })
}

/** The docstrings of all overloads of a method. */
function docsOfName(module, member) {
  const all = module.body.flatMap((each) => membersOf(each.declaration ?? each))
  return all
    .filter((each) => keyOf(each) === keyOf(member))
    .map((each) => docOf(module, each) ?? '')
    .join('\n')
}

function keyOf({ key }) {
  return key?.type === 'PrivateIdentifier' ? undefined : key?.name
}

function isNumber({ typeAnnotation }) {
  const type = typeAnnotation?.typeAnnotation
  return [type, ...(type?.types ?? [])].some((each) => each?.type === 'TSNumberKeyword')
}

/** The docstring that ends right before a declaration. */
function docOf({ code, docs }, { start }) {
  return docs.get(code.slice(0, start).trimEnd().length)
}
