import { existsSync, mkdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'

import { fileTarget } from '../../src/recorder/file-target.ts'
import type { RecordedLine } from '../../src/recorder/format.ts'
import { functionTarget } from '../../src/recorder/function-target.ts'
import { RecordingSink } from '../../src/recorder/sink.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const NOW = Date.UTC(2026, 0, 1)
const DAY = 24 * 3_600_000

/** A line of about 1,000 characters. */
const line = (t: number): RecordedLine => ({
  type: 'broken',
  client: 1,
  t,
  event: { type: 'filled', with: Array.from({ length: 160 }, () => 12_345) },
})

const unexpected = (error: unknown) => expect.fail(String(error))

const types = (text: string): string[] =>
  text
    .split('\n')
    .filter(Boolean)
    .map((each) => (JSON.parse(each) as RecordedLine).type)

function fileSink(file: string, limits: { maxBytes?: number; maxAge?: number } = {}) {
  const errors: unknown[] = []
  const target = fileTarget({ file, maxBytes: 64 * 1_024, maxAge: 7 * DAY, ...limits })
  return { sink: new RecordingSink(target, (error) => errors.push(error)), errors }
}

describe('a file', () => {
  test('is created with its folders, begins with a header, and is appended to', async () => {
    const file = join(temporaryFolder(), 'new', 'recording.jsonl')
    for (const n of [1, 2]) {
      const { sink, errors } = fileSink(file)
      sink.ready(NOW)
      sink.write(line(n))
      await sink.flush()
      expect(errors).toEqual([])
    }
    expect(types(readFileSync(file, 'utf8'))).toEqual(['recording', 'broken', 'recording', 'broken'])
  })

  test('is continued on a new line if the last one is torn', async () => {
    const file = join(temporaryFolder(), 'recording.jsonl')
    writeFileSync(file, '{"type":"recording","format":1}\n{"type":"st')
    const { sink } = fileSink(file)
    sink.ready(NOW)
    await sink.flush()
    expect(readFileSync(file, 'utf8')).toMatch(/\n\{"type":"st\n\{"type":"recording","format":1,.*\}\n$/)
  })

  test('never takes more than maxBytes with the part before it, and keeps the last half', async () => {
    const file = join(temporaryFolder(), 'recording.jsonl')
    const { sink } = fileSink(file)
    let epochs = 0
    let last = 0
    for (let t = 0; t < 300; t++) {
      const epoch = sink.ready(NOW + t)
      if (epoch !== last) epochs++
      last = epoch
      sink.write(line(t))
      if (t % 10 === 0) await sink.flush()
    }
    await sink.flush()
    const [before, now] = [readFileSync(`${file}.1`, 'utf8'), readFileSync(file, 'utf8')]
    expect(before.length + now.length).toBeLessThanOrEqual(64 * 1_024 + 4_096)
    expect(before.length + now.length).toBeGreaterThan(32 * 1_024)
    expect([types(before)[0], types(now)[0]]).toEqual(['recording', 'recording'])
    expect(before + now).toContain('"t":299')
    expect(epochs, 'each part needs checkpoints').toBeGreaterThan(4)
  })

  test('counts what an earlier process left', async () => {
    const file = join(temporaryFolder(), 'recording.jsonl')
    writeFileSync(file, `${JSON.stringify(line(0))}\n`.repeat(40))
    const { sink } = fileSink(file)
    sink.ready(NOW)
    await sink.flush()
    sink.ready(NOW)
    await sink.flush()
    expect(types(readFileSync(`${file}.1`, 'utf8'))).toHaveLength(41)
    expect(types(readFileSync(file, 'utf8'))).toEqual(['recording'])
  })

  test('gives way to a new one at half of maxAge, and is deleted when its last line is that old', async () => {
    const file = join(temporaryFolder(), 'recording.jsonl')
    const { sink } = fileSink(file)
    sink.ready(NOW)
    sink.ready(NOW + 3 * DAY)
    await sink.flush()
    expect(existsSync(`${file}.1`)).toBe(false)
    utimesSync(file, NOW / 1_000, NOW / 1_000)
    sink.ready(NOW + 4 * DAY)
    await sink.flush()
    expect(existsSync(`${file}.1`)).toBe(true)
    const { sink: later } = fileSink(file)
    later.ready(NOW + 8 * DAY)
    await later.flush()
    expect(existsSync(`${file}.1`)).toBe(false)
  })

  test('must not be a device, which would be renamed', async () => {
    const { sink, errors } = fileSink('/dev/null')
    sink.ready(NOW)
    await sink.flush()
    expect(errors).toEqual([new Error('/dev/null is not a file: use recorder.write')])
  })

  test('makes the folders that it is in', async () => {
    const file = join(temporaryFolder(), 'a', 'b', 'recording.jsonl')
    const { sink, errors } = fileSink(file)
    sink.ready(NOW)
    await sink.flush()
    expect(types(readFileSync(file, 'utf8'))).toEqual(['recording'])
    expect(errors).toEqual([])
  })

  // Node's own way to make folders would try for ever in /proc.
  test.each(['/dev/null/recording.jsonl', '/dev/null/a/b/recording.jsonl', '/proc/nowhere/a/recording.jsonl'])(
    'cannot be in a folder that cannot be made: %s',
    async (file) => {
      const { sink, errors } = fileSink(file)
      sink.ready(NOW)
      await sink.flush()
      expect(errors).toHaveLength(1)
      expect(String(errors[0])).toMatch(/ENOENT|ENOTDIR|EEXIST/)
    },
  )

  test('may be deleted while it is in use', async () => {
    const folder = temporaryFolder()
    const file = join(folder, 'recording.jsonl')
    const { sink, errors } = fileSink(file)
    sink.ready(NOW)
    await sink.flush()
    rmSync(file)
    sink.write(line(1))
    await sink.flush()
    expect(types(readFileSync(file, 'utf8'))).toEqual(['broken'])
    expect(errors).toEqual([])
  })
})

describe('a disk that fails', () => {
  test('is reported once, and a later line says how many are missing', async () => {
    const file = join(temporaryFolder(), 'recording.jsonl')
    mkdirSync(file)
    const { sink, errors } = fileSink(file)
    const epoch = sink.ready(NOW)
    for (const t of [1, 2]) {
      sink.write(line(t))
      await sink.flush()
    }
    expect(errors).toEqual([new Error(`${file} is not a file: use recorder.write`)])
    rmSync(file, { recursive: true })
    expect(sink.ready(NOW), 'the next line must be a checkpoint').not.toBe(epoch)
    sink.write(line(3))
    await sink.flush()
    const [lost, next] = readFileSync(file, 'utf8').split('\n').filter(Boolean)
    // The header, and the lines 1 and 2.
    expect(JSON.parse(lost ?? '')).toEqual({ type: 'lost', lines: 3 })
    expect(next).toContain('"t":3')
  })
})

describe('a function', () => {
  test('gets one line after another, and may return promises', async () => {
    const written: string[] = []
    let running = 0
    const sink = new RecordingSink(
      functionTarget(async (text) => {
        expect(++running).toBe(1)
        await Promise.resolve()
        written.push(text)
        running--
      }),
      unexpected,
    )
    sink.ready(NOW)
    sink.write(line(1))
    sink.write(line(2))
    expect(written, 'not while the machine takes a step').toEqual([])
    await sink.flush()
    expect(types(written.join('\n'))).toEqual(['recording', 'broken', 'broken'])
    expect(written.some((text) => text.includes('\n'))).toBe(false)
  })

  test.each([
    [
      'throws',
      (error: Error) => {
        throw error
      },
    ],
    ['rejects', (error: Error) => Promise.reject(error)],
  ])('that %s is reported once, and asked again', async (_, fail) => {
    const broken = new Error('full')
    const errors: unknown[] = []
    const written: string[] = []
    let fails = true
    const write = (text: string) => (fails ? fail(broken) : written.push(text))
    const sink = new RecordingSink(functionTarget(write), (error) => errors.push(error))
    sink.ready(NOW)
    sink.write(line(1))
    await sink.flush()
    fails = false
    sink.ready(NOW)
    sink.write(line(2))
    await sink.flush()
    expect(errors).toEqual([broken])
    expect(types(written.join('\n'))).toEqual(['lost', 'broken'])
  })

  test('that is too slow loses lines instead of memory', async () => {
    const written: string[] = []
    let open: (() => void) | undefined
    const opened = new Promise<void>((resolve) => (open = resolve))
    const target = functionTarget(async (text) => {
      await opened
      written.push(text)
    })
    const sink = new RecordingSink(target, unexpected)
    sink.ready(NOW)
    for (let t = 0; t < 10_000; t++) sink.write(line(t))
    open?.()
    await sink.flush()
    const lost = JSON.parse(written.at(-1) ?? '') as { type: string; lines: number }
    expect(lost.type).toBe('lost')
    expect(written.length + lost.lines).toBe(10_000 + 2)
    expect(written.join('').length).toBeLessThan(4.1 * 1_024 * 1_024)
  })
})
