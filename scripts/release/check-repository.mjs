// Refuses to publish a package without `repository` in package.json: npm compares it with the repository in the provenance, and
// finds the pictures and links of the README by it. On GitHub, it must be the repository of the workflow.
import { readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: name } = process.env
  const problem = repositoryProblem(manifest, name && `${server}/${name}`)
  if (problem) console.error(problem)
  process.exitCode = problem ? 1 : 0
}

/**
 * @param {{ readonly repository?: string | { readonly url: string } }} manifest - package.json
 * @param {string | undefined} address - of the repository that publishes, such as https://github.com/owner/name, if that is known
 * @returns `undefined` if all is well
 */
export function repositoryProblem({ repository }, address) {
  const url = typeof repository === 'string' ? repository : repository?.url
  const example = `"repository": { "type": "git", "url": "git+${address ?? 'https://github.com/<owner>/<name>'}.git" }`
  if (!url) return `package.json has no repository. It needs ${example}`
  if (address === undefined || normalized(url) === address) return undefined
  return `package.json has the repository ${url}, and not the one that publishes it. It needs ${example}`
}

function normalized(url) {
  return url.replace(/^git\+/, '').replace(/\.git$/, '')
}
