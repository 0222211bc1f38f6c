import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { root } from './root.mjs'

/** The text between `<!-- name -->` and `<!-- /name -->` of a page. */
export function readBlock(page, name) {
  return (
    place(name)
      .exec(readFileSync(join(root, page), 'utf8'))?.[1]
      .trim() ?? ''
  )
}

export function writeBlock(page, name, text) {
  const old = readFileSync(join(root, page), 'utf8')
  if (!place(name).test(old)) throw new Error(`${page} has no <!-- ${name} --> and <!-- /${name} -->`)
  writeFileSync(
    join(root, page),
    old.replace(place(name), () => `<!-- ${name} -->\n\n${text}\n\n<!-- /${name} -->`),
  )
}

/** The first text of a page that matches; empty if there is none. */
export function readText(page, pattern) {
  return pattern.exec(readFileSync(join(root, page), 'utf8'))?.[0] ?? ''
}

export function writeText(page, pattern, text) {
  const old = readFileSync(join(root, page), 'utf8')
  if (!pattern.test(old)) throw new Error(`${page} has no text like: ${text}`)
  writeFileSync(
    join(root, page),
    old.replace(pattern, () => text),
  )
}

function place(name) {
  return new RegExp(`<!-- ${name} -->([^]*?)<!-- /${name} -->`)
}
