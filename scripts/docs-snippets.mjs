import { transformSync } from 'esbuild'
// Checks the docs: each `ts` and `tsx` block must compile as a separate module against the built package, and each package script and
// file that a shell block names must exist.
//
//   node scripts/docs-snippets.mjs [file.md …]      default: README.md and docs/**/*.md
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const TYPESCRIPT = new Set(['ts', 'typescript', 'tsx'])
const SHELL = new Set(['sh', 'bash', 'shell', 'console'])

const files = process.argv.length > 2 ? process.argv.slice(2).map((file) => resolve(file)) : docs()
const blocks = files.flatMap(blocksOf)
const snippets = blocks.filter(({ lang, info }) => TYPESCRIPT.has(lang) && info !== 'no-check')
const problems = [
  ...blocks.filter(({ lang }) => TYPESCRIPT.has(lang)).flatMap(checkInfo),
  ...blocks.filter(({ lang }) => SHELL.has(lang)).flatMap(checkShell),
  ...compile(snippets),
]

for (const problem of problems) console.error(problem)
console.log(`${snippets.length} snippets in ${files.length} files, ${problems.length} problems`)
process.exitCode = problems.length > 0 ? 1 : 0

function docs() {
  const pages = existsSync(join(root, 'docs'))
    ? readdirSync(join(root, 'docs'), { recursive: true })
        // The examples in the API reference come from docstrings, and have no imports.
        .filter((name) => name.endsWith('.md') && !/^api\b/.test(name))
        .map((name) => join(root, 'docs', name))
    : []
  return [join(root, 'README.md'), ...pages].filter((file) => existsSync(file))
}

/** The fenced blocks of a page. `line` is the number of the line with the opening fence, counted from 1. */
function blocksOf(file) {
  const found = []
  let open
  for (const [index, text] of readFileSync(file, 'utf8').split(/\r?\n/).entries()) {
    const fence = /^(\s*)(`{3,}|~{3,})\s*(\S*)\s*(.*)$/.exec(text)
    if (open && fence?.[2].startsWith(open.fence) && fence[3] === '') {
      found.push(open)
      open = undefined
    } else if (open) {
      open.lines.push(text.startsWith(open.indent) ? text.slice(open.indent.length) : text)
    } else if (fence) {
      const [, indent, marks, lang, info] = fence
      open = { file, line: index + 1, indent, fence: marks, lang, info: info.trim(), lines: [] }
    }
  }
  return open ? [...found, open] : found
}

/** `no-check` is for blocks that are not valid TypeScript, such as a signature with an ellipsis. Valid ones must compile. */
function checkInfo({ file, line, lang, info, lines }) {
  if (info === '') return []
  if (info !== 'no-check') return [`${place(file, line)} a ts block allows only the word no-check, got: ${info}`]
  try {
    transformSync(lines.join('\n'), { loader: lang === 'tsx' ? 'tsx' : 'ts' })
  } catch {
    return []
  }
  return [`${place(file, line)} no-check is for blocks that are not valid TypeScript, but this one is`]
}

function checkShell({ file, line, lines }) {
  return lines.flatMap((text, index) => {
    const at = place(file, line + 1 + index)
    const named = [...text.matchAll(/\bnpm run (?:-\S+ )*([\w:.-]+)/g), ...text.matchAll(/\bnpm (test|start)\b/g)]
    const examples = [...text.matchAll(/(?:^|\s)(?:\.\/)?((?:examples|measure|scripts)\/[\w./-]+\.\w+)/g)]
    return [
      ...named.filter(([, name]) => !(name in scripts)).map(([, name]) => `${at} there is no package script "${name}"`),
      ...examples
        .filter(([, path]) => !existsSync(join(root, path)))
        .map(([, path]) => `${at} there is no file ${path}`),
    ]
  })
}

/** Compiles blocks in a folder inside the package, so that `xstate-mqtt` resolves to dist through the exports. */
function compile(modules) {
  if (modules.length === 0) return []
  const folder = join(root, '.cache', `docs-snippets-${process.pid}`)
  mkdirSync(folder, { recursive: true })
  try {
    const pages = new Map()
    for (const [index, { file, line, lang, lines }] of modules.entries()) {
      const name = `${index}-${basename(file, '.md')}.${lang === 'tsx' ? 'tsx' : 'ts'}`
      pages.set(name, file)
      // The empty lines give the compiler the line numbers of the page.
      writeFileSync(join(folder, name), '\n'.repeat(line) + lines.join('\n') + '\n')
    }
    // The JSX of the docs is React's, that of this repository is Preact's.
    const compilerOptions = { rootDir: null, outDir: null, noEmit: true, jsxImportSource: 'react' }
    writeFileSync(
      join(folder, 'tsconfig.json'),
      JSON.stringify({ extends: '../../tsconfig.json', compilerOptions, include: ['*.ts', '*.tsx'] }),
    )
    const tsc = spawnSync(join(root, 'node_modules', '.bin', 'tsc'), ['-p', '.', '--pretty', 'false'], {
      cwd: folder,
      encoding: 'utf8',
    })
    if (tsc.status === 0) return []
    const output = (tsc.stdout + tsc.stderr).trim() || `tsc failed: ${tsc.error?.message ?? tsc.status}`
    return output.split('\n').map((text) =>
      text.replace(/^(\S+\.tsx?)\((\d+),(\d+)\):/, (match, name, line, column) => {
        const page = pages.get(name)
        return page ? `${place(page, line)}:${column}` : match
      }),
    )
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function place(file, line) {
  return `${relative(root, file)}:${line}`
}
