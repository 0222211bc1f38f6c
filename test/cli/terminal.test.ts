import { afterEach, describe, expect, test, vi } from 'vitest'

import { cut, printable, Terminal, type Output } from '../../cli/terminal.ts'

function screen(options: Omit<Partial<Output>, 'write'> = {}) {
  const written: string[] = []
  const terminal = new Terminal({ ...options, write: (text) => written.push(text) })
  return { terminal, text: () => written.join('') }
}

afterEach(() => void vi.unstubAllEnvs())

describe('piped output', () => {
  test('contains only lines, without colours', () => {
    const { terminal, text } = screen({ hasColors: () => true })
    terminal.live('counting down')
    terminal.line(terminal.paint('red', 'one'))
    terminal.line('a'.repeat(200))
    expect(text()).toBe(`one\n${'a'.repeat(200)}\n`)
  })
})

describe('on a terminal', () => {
  const tty = { isTTY: true, columns: 20, hasColors: () => true }

  test('the live line stays below the lines', () => {
    const { terminal, text } = screen(tty)
    terminal.live('in 2 s')
    terminal.line('one')
    terminal.live('in 1 s')
    terminal.live('')
    expect(text()).toBe('in 2 s\r\u001B[2Kone\nin 2 s\r\u001B[2Kin 1 s\r\u001B[2K')
  })

  test('lines are cut to the width of the terminal', () => {
    const { terminal, text } = screen(tty)
    terminal.line('a'.repeat(21))
    expect(text()).toBe(`${'a'.repeat(19)}…\n`)
  })

  test('lines are cut on a terminal without cursor movements, too', () => {
    vi.stubEnv('TERM', 'dumb')
    const { terminal, text } = screen(tty)
    terminal.live('in 2 s')
    terminal.line('a'.repeat(21))
    expect(text()).toBe(`${'a'.repeat(19)}…\n`)
  })

  test.each([0, undefined])('a terminal that reports a width of %s counts as 80 columns wide', (columns) => {
    const { terminal, text } = screen({ isTTY: true, ...(columns !== undefined && { columns }) })
    terminal.line('a'.repeat(81))
    terminal.live('b'.repeat(80))
    expect(text()).toBe(`${'a'.repeat(79)}…\n${'b'.repeat(78)}…`)
  })

  test('a whole line is never cut', () => {
    const { terminal, text } = screen(tty)
    terminal.whole('a'.repeat(21))
    expect(text()).toBe(`${'a'.repeat(21)}\n`)
  })

  test('Node decides whether colours are used', () => {
    expect(screen(tty).terminal.paint('red', 'a')).toBe('\u001B[31ma\u001B[39m')
    expect(screen({ ...tty, hasColors: () => false }).terminal.paint('red', 'a')).toBe('a')
  })
})

test.each([
  ['abcdef', 6, 'abcdef'],
  ['abcdef', 5, 'abcd…'],
  ['\u001B[31mabc\u001B[39mdef', 6, '\u001B[31mabc\u001B[39mdef'],
  ['\u001B[31mabc\u001B[39mdef', 5, '\u001B[31mabc\u001B[39md…'],
  ['\u001B[31mabcdef\u001B[39m', 4, '\u001B[31mabc…\u001B[39m'],
  ['\u001B[31mabc\u001B[39m\u001B[32mdef\u001B[39m', 4, '\u001B[31mabc…\u001B[39m\u001B[32m\u001B[39m'],
])('cut(%j, %i)', (text, columns, expected) => {
  expect(cut(text, columns)).toBe(expected)
})

test.each([
  ['plain', 'plain'],
  ['naïve 日本 🙂', 'naïve 日本 🙂'],
  ['a\r\nb\tc', 'a↵b c'],
  ['\u001B[2J\u0007', '�[2J�'],
  ['\u009B2J', '�2J'],
  ['‮evil', '�evil'],
  ['x'.repeat(300), `${'x'.repeat(199)}…`],
])('printable(%j)', (text, expected) => {
  expect(printable(text)).toBe(expected)
})
