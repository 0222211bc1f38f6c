import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'

import { compile } from '../../measure/lab/build.ts'

test.each([
  'measure/bench/main.ts',
  'measure/storm/main.ts',
  'measure/update-figures.ts',
  'measure/chaos/main.ts',
  'measure/model/main.ts',
])(
  '%s ends with 2, the message and the usage, and with 0 at --help',
  async (file) => {
    const program = await compile(new URL(`../../${file}`, import.meta.url))
    const run = (...args: string[]) => spawnSync(process.execPath, [program, ...args], { encoding: 'utf8' })
    const wrong = run('--nope')
    expect(wrong).toMatchObject({ status: 2, stdout: '' })
    expect(wrong.stderr).toMatch(/^Unknown option '--nope'[^\n]*\n\nnpm run /)
    expect(run('--help')).toMatchObject({ status: 0, stderr: '', stdout: expect.stringMatching(/^npm run /) })
  },
  30_000,
)
