import { transformSync } from 'esbuild'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
/** Inside of the package, so that its name resolves as it does for a user. */
const folder = join(root, '.cache', `pasted-${process.pid}`)

/**
 * Writes a snippet of a page to a file, as a user would paste it, and returns its path.
 *
 * @param page - such as `README.md`
 * @param name - of the comment `<!-- snippet: name -->` before the snippet, or the heading above it, such as `## A heading`
 * @param replaced - what the test needs to differ: URLs of servers. All of it must occur
 */
export function paste(page: string, name: string, replaced: Readonly<Record<string, string>> = {}): string {
  let code = snippet(page, name)
  for (const [before, after] of Object.entries(replaced)) {
    if (!code.includes(before)) throw new Error(`${page}, snippet ${name}: there is no ${before}`)
    code = code.replaceAll(before, after)
  }
  const file = join(folder, page, `${name.replaceAll(/\W+/g, '-')}.mjs`)
  mkdirSync(dirname(file), { recursive: true })
  // Node 20 has no `await using`.
  writeFileSync(file, transformSync(code, { loader: 'ts', target: 'node20' }).code)
  return file
}

export function removePasted(): void {
  rmSync(folder, { recursive: true, force: true })
}

/** The text of the page's block with a name, or of the first one below a heading. */
export function snippet(page: string, name: string): string {
  const text = readFileSync(join(root, page), 'utf8')
  const start = name.startsWith('#') ? `^${name}$[^]*?` : `<!-- snippet: ${name} -->\\n+`
  const fence = name.startsWith('#') ? 'ts' : '\\w+'
  const found = new RegExp(`${start}\`\`\`${fence}\\n([^]*?)\`\`\``, 'm').exec(text)?.[1]
  if (found === undefined) throw new Error(`${page} has no snippet ${name}`)
  return found
}

/** The names of the snippets of a page, and the number of its blocks of code. */
export function snippetsOf(page: string): { names: string[]; blocks: number } {
  const text = readFileSync(join(root, page), 'utf8')
  return {
    names: [...text.matchAll(/<!-- snippet: (\S+) -->/g)].map(([, name]) => name ?? ''),
    blocks: [...text.matchAll(/^```ts$/gm)].length,
  }
}
