import { readFileSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'

import { commands } from '../../cli/commands.ts'
import { commandHelp } from '../../cli/help.ts'
import { parseCommandLine } from '../../cli/parse-command-line.ts'

const page = new URL('../../docs/command-line.md', import.meta.url)
const text = readFileSync(page, 'utf8')
const WIDTH = 100

test.each(Object.entries(commands))('the page has the help of %s', async (name, { summary, load }) => {
  const help = commandHelp(name, summary, await load(), WIDTH)
  const block = `<!-- help: ${name} -->\n\n\`\`\`text\n${help}\n\`\`\`\n\n<!-- /help -->`
  const place = new RegExp(`<!-- help: ${name} -->[^]*?<!-- /help -->`)
  expect(text, `give ${name} a section with <!-- help: ${name} --> and <!-- /help --> in docs/command-line.md`).toMatch(
    place,
  )
  if (process.env.UPDATE_DOCS) {
    writeFileSync(
      page,
      readFileSync(page, 'utf8').replace(place, () => block),
    )
    return
  }
  expect(text, 'UPDATE_DOCS=1 npx vitest run --project unit test/docs/command-line.test.ts').toContain(block)
})

test.each(Object.keys(commands).filter((name) => name !== 'replay'))(
  'the help of %s has the unit of a duration that is a bare number',
  async (name) => {
    const { options, notes = '' } = (await commands[name]?.load()) ?? { options: {} }
    const without = Object.entries(options)
      .filter(([, { value }]) => value === '<time>')
      .filter(([, { description }]) => !/number of (milli)?seconds/.test(`${description} ${notes}`))
    expect(without.map(([flag]) => flag)).toEqual([])
  },
)

const examples = [...text.matchAll(/^(?:.*\| )?npx (?:--package \S+ )*xstate-mqtt (?<args>[^|>\n]*)/gm)].map(
  ({ groups }) => groups?.args?.trim() ?? '',
)

test.each(examples)('the example xstate-mqtt %s is a correct command line', async (example) => {
  const [name = '', ...args] = example.split(/\s+/).map((word) => word.replaceAll("'", ''))
  const command = await commands[name]?.load()
  expect(command && parseCommandLine(args, command)).toBeDefined()
})
