// Checks the links of the pages: each link within the repository leads to a file, and to a heading of it. The README links only
// to what is in the package, because it is also read there and on npmjs.com. Its pictures are in the repository only, where
// npmjs.com finds them by the `repository` of package.json. docs/README.md lists each page of docs.
//
//   node scripts/docs-links.mjs [file.md …]      default: all pages, and the rules for the README and the index
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const given = process.argv.slice(2).map((file) => resolve(file))
const pages = given.length > 0 ? given : allPages()
const headings = new Map()

const problems = [...pages.flatMap(brokenLinks), ...(given.length > 0 ? [] : [...notInPackage(), ...notListed()])]
for (const problem of problems) console.error(problem)
console.log(`${pages.length} pages, ${problems.length} problems`)
process.exitCode = problems.length > 0 ? 1 : 0

function allPages() {
  const inRoot = readdirSync(root).filter((name) => name.endsWith('.md'))
  const inFolders = ['docs', 'findings'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true })
      .filter((name) => name.endsWith('.md'))
      .map((name) => join(folder, name)),
  )
  return [...inRoot, ...inFolders].map((name) => join(root, name))
}

function brokenLinks(page) {
  return linksOf(page).flatMap(({ link, line }) => {
    const [path, heading] = link.split('#')
    const target = path === '' ? page : join(dirname(page), decodeURIComponent(path))
    const at = `${relative(root, page)}:${line}`
    if (!existsSync(target)) return [`${at} there is no file ${link}`]
    if (heading === undefined || !target.endsWith('.md') || anchorsOf(target).has(heading)) return []
    return [`${at} there is no heading ${link}`]
  })
}

function notInPackage() {
  return linksOf(join(root, 'README.md'))
    .filter(({ link }) => !/^#|^docs\/(?:.*\.md(?:#|$)|images\/)|^LICENSE$/.test(link))
    .map(({ link, line }) => `README.md:${line} ${link} is not in the package`)
}

function notListed() {
  const index = join(root, 'docs', 'README.md')
  const listed = new Set(linksOf(index).map(({ link }) => link.split('#')[0].split('/')[0]))
  return readdirSync(join(root, 'docs'))
    .filter((name) => name !== 'README.md' && name !== 'images' && !listed.has(name))
    .map((name) => `docs/README.md does not list ${name}`)
}

/** The links and pictures of a page that are no URLs, outside of code. */
function linksOf(page) {
  const text = readFileSync(page, 'utf8').replaceAll(/^ *(`{3,})[^]*?^ *\1|`[^`\n]*`/gm, (code) =>
    code.replaceAll(/[^\n]/g, ' '),
  )
  const found = [...text.matchAll(/\]\((?<link>[^)\s]+)(?: "[^"]*")?\)|\b(?:src|srcset|href)="(?<target>[^"]+)"/g)]
  return found
    .map(({ groups, index }) => ({
      link: groups.link ?? groups.target,
      line: text.slice(0, index).split('\n').length,
    }))
    .filter(({ link }) => !/^[a-z]+:/.test(link))
}

/** The anchors of a page, as GitHub makes them. */
function anchorsOf(page) {
  const known = headings.get(page)
  if (known) return known
  const text = readFileSync(page, 'utf8').replaceAll(/^(`{3,})[^]*?^\1/gm, '')
  const anchors = new Set([...text.matchAll(/<a (?:id|name)="([^"]+)"/g)].map(([, id]) => id))
  for (const [, heading] of text.matchAll(/^#+ (.+)$/gm)) {
    const words = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase()
    const anchor = words.replaceAll(/[^\p{L}\p{M}\p{N} _-]/gu, '').replaceAll(' ', '-')
    let unique = anchor
    for (let n = 1; anchors.has(unique); n++) unique = `${anchor}-${n}`
    anchors.add(unique)
  }
  headings.set(page, anchors)
  return anchors
}
