import { describe, expect, test } from 'vitest'

import { commands } from '../../cli/commands.ts'
import { createShell } from './shell.ts'

describe('a wrong command line', () => {
  test.each([
    [['mqtt://me:planted@a.example'], "there is no command 'mqtt://[redacted]@a.example'"],
    [['nope'], "there is no command 'nope'. The commands are sub, pub, demo, broker, timeline"],
    [['timelime'], "there is no command 'timelime'. Did you mean timeline?"],
    [['--verison'], "there is no command '--verison'. Did you mean --version?"],
    [['help', 'dmeo'], "there is no command 'dmeo'. Did you mean demo?"],
    [['__proto__'], "there is no command '__proto__'"],
    [['timeline', '--nope'], "unknown option '--nope'"],
    [['timeline', 'nope'], "unexpected argument 'nope'"],
    [['demo', 'mqtt://localhost'], "unexpected argument 'mqtt://localhost': give the URL by --url"],
    [
      ['demo', 'mqtt://me:secret@localhost'],
      "unexpected argument 'mqtt://[redacted]@localhost': give the URL by --url",
    ],
    [['broker', 'mqtt://localhost'], "unexpected argument 'mqtt://localhost'\n"],
    [['timeline', '--max'], '--max needs a value: --max <time>'],
    [['timeline', '--max', '--json'], '--max needs a value: --max <time>'],
    [['timeline', '--json=yes'], "--json takes no value, got 'yes'"],
    [['timeline', '--attemps', '3'], "unknown option '--attemps'. Did you mean --attempts?"],
    [['timeline', '-x'], "unknown option '-x'"],
    [['timeline', '--max', '10'], '--max must be at least --initial (1000), got 10'],
    [['timeline', '--max', 'soon'], "--max must be a duration such as 300s, 5m or 120000 (milliseconds), got 'soon'"],
    [['timeline', '--attempts', '-1'], '--attempts'],
    [['timeline', '--attempts', '1.5'], "--attempts must be a whole number, or Infinity, got '1.5'"],
    [['timeline', '--jitter', 'some'], '--jitter must be one of "none", "equal", "full", "decorrelated", got "some"'],
    [['timeline', '--strategy', 'hope'], '--strategy must be one of simpleRetry'],
    [['timeline', '--multiplier', '0.5'], '--multiplier must be at least 1, got 0.5'],
    [['diagram', '--format', 'png'], "--format must be one of mermaid, svg, json, got 'png'"],
    [['demo', '--nope'], "unknown option '--nope'"],
    [['broker', '--port', 'mqtt'], "--port must be a port from 0 to 65535, got 'mqtt'"],
    [['broker', '--ws-port', '70000'], "--ws-port must be a port from 0 to 65535, got '70000'"],
    [['demo', '--username', 'me'], '--username needs --url'],
    [['demo', '--visualizer', '--username', 'me'], '--username needs --url'],
    [['sub'], 'the topic filter is missing: give --topic'],
    [['sub', 'a/#/b'], '--topic'],
    [['sub', 'a', '--topik', 'b'], "unknown option '--topik'. Did you mean --topic?"],
    [['sub', 'mqtt://localhost', 'a', '--url', 'mqtt://localhost'], 'the URL is given twice'],
    [['sub', 'mqtt://localhost', 'mqtt://me:secret@localhost'], 'the URL must be the first argument'],
    [['sub', 'a', 'mqtt://me:secret@localhost'], 'the URL must be the first argument'],
    [['doctor', 'localhost'], 'the URL has no scheme: a URL is, for example, mqtt://localhost'],
    [['doctor', 'me:secret@host'], 'the URL has no scheme: a URL is, for example, mqtt://localhost:1883'],
    [['replay', 'docs'], 'docs is a folder: give the file of a recording in it'],
    [['sub', 'http://localhost', 'a'], 'the URL must begin with mqtt:, mqtts:, ws: or wss:'],
    [['sub', 'mqtt://me:secret@localhost', 'a'], 'a password is never an argument'],
    [['sub', 'a', '--count', '0'], '--count must be at least 1, got 0'],
    [['sub', 'a', '--wait', 'long'], "--wait must be a duration such as 30 (seconds), 500ms or 5m, got 'long'"],
    [['sub', 'a', '--wait', '100d'], "--wait must be at most 24d, got '100d'"],
    [['sub', 'a', '--qos', '3'], "--qos must be one of 0, 1, 2, got '3'"],
    [['sub', 'a', '--json', '-v'], '--verbose and --json exclude each other'],
    [['sub', 'a', '--json=1'], "--json takes no value, got '1'"],
    [['pub', '-m', 'x'], 'the topic is missing: give --topic'],
    [['pub', 'a', '-t', 'b', '-m', 'x'], "there can be only one topic, got 'a' and 'b'"],
    [['pub', 'a', 'b', '-m', 'x'], "there can be only one topic, got 'a' and 'b'\n"],
    [['pub', 'mqtt://localhost', 'a', 'b'], "got 'a' and 'b': give the payload by --message"],
    [['pub', 'a/#', '-m', 'x'], '--topic must not contain wildcards'],
    [['pub', 'a'], 'the payload is missing: give one of --message, --file, --null-message, --stdin, --stdin-line'],
    [['pub', 'a', '-m', 'x', '-l'], '--message and --stdin-line exclude each other'],
    [['pub', 'a', '-m'], '-m needs a value: -m <text>'],
    [['pub', 'a', '-m', 'x', '--expiry', '99999d'], "--expiry must be at most 49710d, got '99999d'"],
    [['pub', 'a', '-m', 'x', '--user-property', 'a'], "--user-property must be name=value, got 'a'"],
    [['store'], 'the action must be salvage, got nothing'],
    [['store', 'repair', 'x'], "the action must be salvage, got 'repair'"],
    [['store', 'salvage'], 'the folder of the store is missing: xstate-mqtt store salvage <dir>'],
    [['store', 'salvage', 'a', 'b'], "unexpected argument 'b'"],
    [['store', 'salvage', '/nowhere/at/all'], 'there is no folder /nowhere/at/all'],
    [['store', 'salvage', 'dist', '--to', 'dist/new'], '--to must be outside the damaged store'],
    [['store', 'salvage', 'dist', '--nope'], "unknown option '--nope'"],
    [['visualizer', '--nope'], "unknown option '--nope'"],
    [['visualizer', 'nope'], "unexpected argument 'nope'"],
    [['visualizer', '--port', 'http'], "--port must be a whole number between 0 and 65535, got 'http'"],
    [['visualizer', '--port='], "--port must be a whole number between 0 and 65535, got ''"],
    [['visualizer', '--history', '-1'], '--history'],
    [['visualizer', '--history', '1000000'], "--history must be a whole number between 0 and 100000, got '1000000'"],
    [['visualizer', '--token', 'secret'], '--token must be a string of at least 16 characters'],
    [['demo', '--url', 'http://localhost'], 'must begin with mqtt:, mqtts:, ws: or wss:'],
    [['demo', '--url', 'mqtt://localhost', '--protocol', '3'], "--protocol must be one of 3.1.1, 5, auto, got '3'"],
    [['demo', '--url', 'mqtt://localhost', '--publish', 'a/#'], '--publish must not contain wildcards'],
    [['demo', '--url', 'mqtt://localhost', '--interval', '0'], '--interval must be between 1ms and 24d, got 0 ms'],
    [['demo', '--url', 'mqtt://localhost', '--password', 'secret'], 'a password is never an argument'],
    [['demo', '--url', 'mqtt://localhost', '--password=secret'], 'a password is never an argument'],
    [['demo', '--url', 'mqtt://localhost', '-Psecret'], 'a password is never an argument'],
    [['demo', '--url', 'mqtt://me:secret@localhost'], 'a password is never an argument'],
  ])('reports %j without a stack trace', async (args, message) => {
    const { run, stdout, stderr } = createShell()
    expect(await run(...args)).toBe(2)
    expect(stdout()).toBe('')
    expect(stderr()).toContain(message)
    // As one sentence after the name of the command, which it does not repeat.
    expect(stderr()).toMatch(/^xstate-mqtt(?: [a-z]+)?: (?![A-Z][a-z ]|[a-z]+ needs )/)
    expect(stderr()).toMatch(/[^.\n]\nSee xstate-mqtt.* --help\n$/)
    expect(stderr()).not.toMatch(/\n {4}at /)
    expect(stderr()).not.toContain('secret')
  })
})

describe('an argument that may be a host or a topic', () => {
  const hosts = [
    'localhost',
    'localhost:1883',
    '127.0.0.1',
    '127.0.0.1:1884',
    '[::1]',
    '[::1]:1883',
    'broker.example.com',
    'broker.example.com:1883',
    'broker:1883',
    'my_broker.local',
    'bücher.example',
    'broker.xn--fiqs8s',
  ]

  test.each([...hosts.map((host) => [host, `mqtt://${host}`] as const), ['::1', 'mqtt://[::1]'] as const])(
    '%s is refused',
    async (host, url) => {
      for (const command of [
        ['sub', host],
        ['sub', host, 'a/#'],
        ['pub', host, '-m', 'x'],
        ['pub', host, 'a', '-m', 'x'],
      ]) {
        // A variable does not say what is meant: the argument may be meant to replace it.
        const { run, stderr } = createShell({ env: { MQTT_URL: 'mqtt://127.0.0.1:1' } })
        expect(await run(...command)).toBe(2)
        expect(stderr()).toContain(
          `'${host}' may be a host or a topic: for the host, give ${url}; for the topic, --topic`,
        )
      }
    },
  )

  // `--qos 9` is refused only after the topic was accepted.
  test.each([
    ...hosts.flatMap((host) => [
      ['mqtt://localhost', host],
      ['--url', 'mqtt://localhost', host],
      ['--host', 'localhost', host],
      ['--topic', host],
    ]),
    ...[
      'localhost/a',
      'a.b',
      'v1.0',
      'sensor:1',
      'sensor:12',
      '10:30',
      'alarms',
      '10.0.0',
      '1',
      'a.b.c/d',
      'broker.example.com/#',
    ].map((each) => [each]),
  ])('it is a topic: %s %s %s', async (...args) => {
    const { run, stderr } = createShell()
    expect(await run('sub', ...args, '--qos', '9')).toBe(2)
    expect(stderr()).toContain("--qos must be one of 0, 1, 2, got '9'")
  })
})

const names = Object.keys(commands)

test('without a command, all of them are listed', async () => {
  const { run, stdout } = createShell()
  expect(await run()).toBe(2)
  for (const name of names) expect(stdout()).toMatch(new RegExp(`^ {2}${name} `, 'm'))
})

describe('help', () => {
  test.each(names)('%s --help is the same as help %s', async (name) => {
    const [asOption, asCommand] = [createShell(), createShell()]
    expect(await asOption.run(name, '--help')).toBe(0)
    expect(await asCommand.run('help', name)).toBe(0)
    expect(asOption.stdout()).toMatch(new RegExp(`Usage: xstate-mqtt ${name} (?:[^\\n]* )?\\[options\\]`))
    expect(asCommand.stdout()).toBe(asOption.stdout())
  })

  test.each(names)('%s -h, without a host, is the same', async (name) => {
    const [short, long] = [createShell(), createShell()]
    expect(await short.run(name, '-h')).toBe(0)
    expect(await long.run(name, '--help')).toBe(0)
    expect(short.stdout()).toBe(long.stdout())
  })

  describe.each([undefined, 0, 30, 60, 80, 200])('on %s columns', (columns) => {
    const width = columns === undefined || columns === 0 ? 80 : Math.min(columns, 100)

    test.each([...names, ''])('%s: no line is longer than the terminal', async (name) => {
      const { run, stdout } = createShell(columns === undefined ? {} : { columns })
      await run('help', ...(name === '' ? [] : [name]))
      const code = (await commands[name]?.load())?.notes?.split('\n').filter((line) => line.startsWith('  ')) ?? []
      // Neither code nor a word nor a flag is broken, so that they can be copied.
      const isWhole = (line: string) => code.includes(line) || /^ *(?:-\w, )?\S+(?: <\S*>)?$/.test(line)
      const long = stdout()
        .split('\n')
        .filter((line) => line.length > width && !isWhole(line))
      expect(long).toEqual([])
      expect(stdout()).toContain('xstate-mqtt')
      expect(stdout().replaceAll(/\s+/g, '').length).toBeGreaterThan(150)
    })
  })

  test('wraps to the width, with the description below a flag that is too long', async () => {
    const { run, stdout } = createShell({ columns: 60 })
    await run('timeline', '--help')
    expect(stdout()).toMatchInlineSnapshot(`
      "xstate-mqtt timeline: prints when the attempts and recovery
      cycles of an outage begin

      Usage: xstate-mqtt timeline [options]

            --attempts <n>     number of attempts in the fast tier
                               (10), or Infinity
            --initial <time>   its first delay (1s)
            --multiplier <x>   the factor from one delay to the
                               next (2)
            --max <time>       its longest delay (120s)
            --strategy <name>  of the recovery tier: simpleRetry,
                               recreateClient, refreshAndRecreate,
                               exponentialRecovery
            --cycles <n>       number of cycles in the recovery
                               tier (10), or Infinity
            --recovery-initial <time>
                               its first delay (60s)
            --recovery-multiplier <x>
                               the factor from one delay to the
                               next (2)
            --recovery-max <time>
                               its longest delay (300s)
            --jitter <name>    of both tiers: none, equal (the
                               default), full or decorrelated
            --json             prints JSON, in milliseconds
        -h, --help             prints this text

      Times are written as 250ms, 300s, 5m or 2h, or as a number
      of milliseconds.
      "
    `)
  })
})
