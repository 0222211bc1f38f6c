import { readFileSync } from 'node:fs'
import { join, posix } from 'node:path'

import { root } from './root.mjs'

/** Sources, and maps to them, would double the package; the compiled code is as readable. Examples are there to be copied. */
const UNWANTED = /^(?!examples\/).*(?<!\.d)\.tsx?$|\.map$|\.tsbuildinfo$|\.(png|jpe?g|gif)$/
const LINK = /\]\((?!https?:|#)([^)#\s]+)[^)]*\)/g

/** What is wrong with the list of files that npm would publish. */
export function wrongFiles(paths) {
  const published = new Set(paths)
  const unwanted = paths.filter((path) => UNWANTED.test(path)).map((path) => `The tarball has ${path}`)
  // npm shows the README with pictures from the repository.
  const dead = [...readFileSync(join(root, 'README.md'), 'utf8').matchAll(LINK)]
    .map(([, link]) => posix.normalize(link))
    .filter((link) => !link.startsWith('docs/images/') && !published.has(link))
    .map((link) => `README.md links to ${link}, which the tarball has not`)
  return [...unwanted, ...dead]
}

/** A table of the sizes of the tarball. */
export function tarballTable({ entryCount, size, unpackedSize, files }) {
  const sum = (folder) => {
    const chosen = files.filter(({ path }) => path.startsWith(folder))
    return `| ${folder || 'everything'} | ${chosen.length} | ${Math.round(chosen.reduce((all, file) => all + file.size, 0) / 1000)} kB |`
  }
  return [
    `${entryCount} files, ${Math.round(size / 1000)} kB packed, ${Math.round(unpackedSize / 1000)} kB unpacked:`,
    '',
    '| folder | files | unpacked |',
    '| --- | --- | --- |',
    ...['dist/src/', 'dist/machines/', 'dist/testing/', 'dist/cli/', 'dist/visualizer/', 'docs/'].map(sum),
  ].join('\n')
}
