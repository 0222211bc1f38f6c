import type axe from 'axe-core'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Page } from 'playwright-core'

const source = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** What axe finds in the page as it is now, whatever its impact. */
export async function violationsOf({ page }: { readonly page: Page }): Promise<string[]> {
  // The page's CSP blocks our script, but not the debugger's.
  await page.evaluate(source)
  const found = await page.evaluate(async () => {
    const { violations } = await (window as unknown as { axe: typeof axe }).axe.run(document)
    return violations.map(({ id, nodes }) => ({ id, targets: nodes.map(({ html }) => html.slice(0, 160)) }))
  })
  return found.map(({ id, targets }) => `${id}: ${targets.slice(0, 3).join(' | ')}`)
}
