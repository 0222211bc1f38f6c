import { describe, expect, test } from 'vitest'

import { readRecordings } from '../../testing/replay/read-recording.ts'
import { fleetOf } from '../../visualizer/page/src/model/fleet.ts'
import { troublesOf } from '../../visualizer/page/src/model/outages.ts'
import type { Playback } from '../../visualizer/page/src/model/playback.ts'
import { Store } from '../../visualizer/page/src/model/store.ts'
import { isFleet, viewOf } from '../../visualizer/page/src/model/view.ts'
import { around, following, wholeOf, zoomed } from '../../visualizer/page/src/model/window.ts'
import type { ServerMessage, WelcomeMessage } from '../../visualizer/protocol.ts'
import { PlayedRecordings } from '../../visualizer/replay/recording-messages.ts'
import { stateOf } from '../../visualizer/shared/family.ts'
import { outage } from '../support/recorded-outage.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND
/** When the recording of the outage begins. Its connection is lost after 120,005 ms, for 2,250 ms. */
const BEGIN = Date.UTC(2026, 10, 28, 18)
const LOST = BEGIN + 120_005

/** The messages of a recording, as the page gets them. */
function messagesOf(text: string, welcome: Partial<WelcomeMessage> = {}): ServerMessage[] {
  const recordings = new PlayedRecordings(readRecordings(text).recordings)
  const { begin: from, end: until, steps } = recordings
  return [
    {
      type: '@xstate-mqtt.welcome',
      createdAt: String(Date.now()),
      version: 1,
      serverId: 's',
      startedAt: 0,
      allowCommands: false,
      history: 0,
      maxMessageBytes: 0,
      recording: { file: 'a.jsonl', package: '0.1.0', from, until, steps },
      ...welcome,
    },
    ...(JSON.parse(JSON.stringify([...recordings.messages()])) as ServerMessage[]),
    { type: '@xstate-mqtt.live', createdAt: '1', replayed: 0, forgotten: 0 },
  ]
}

function played(text: string) {
  const store = new Store()
  for (const message of messagesOf(text)) store.apply(message)
  if (!store.playback) throw new Error('no playback')
  return { store, playback: store.playback }
}

/** What the page shows of its first actor. */
function shown(store: Store) {
  const [actor] = store.actors.values()
  if (!actor) return undefined
  const { snapshot, since, timers, entries, bands, counts } = actor
  const { attempt, counters, failure, config } = snapshot.context as Record<string, Record<string, unknown>>
  return {
    state: stateOf(snapshot),
    since: since - BEGIN,
    attempt,
    interruptions: counters?.interruptions,
    failure: failure?.kind,
    keepAlive: typeof config,
    timers: timers?.map(({ name, delay, startedAt }) => [name, delay, startedAt - BEGIN]),
    entries: entries.length,
    bands: bands.length,
    counted: [...counts.values()].reduce((sum, count) => sum + count, 0),
  }
}

/** A recording with one line changed. */
const changed = (text: string, change: (line: string, index: number) => string) =>
  text
    .split('\n')
    .map(change)
    .filter((line) => line !== '')
    .join('\n')

describe('a recording on the page', () => {
  test('shows each moment as it was, whatever was shown before', async () => {
    const { store, playback } = played(await outage())
    const moments = [0, 5, 60_000, 120_004, 120_005, 120_755, 122_254, 122_255, 182_255, 187_255]
    const forwards = moments.map((moment) => {
      playback.seek(BEGIN + moment)
      return shown(store)
    })
    expect(forwards[2]).toMatchObject({ state: 'connected.ready', since: 5, interruptions: 0, failure: undefined })
    expect(forwards[4]).toMatchObject({
      state: 'reconnecting',
      since: 120_005,
      attempt: 1,
      interruptions: 1,
      failure: 'keepalive',
      keepAlive: 'object',
      timers: expect.arrayContaining([['reconnectDelay', 750, 120_005]]) as unknown,
    })
    expect(forwards[6]).toMatchObject({ state: 'reconnecting', failure: 'socket' })
    expect(forwards[7]).toMatchObject({ state: 'connected.ready', since: 122_255 })
    expect(store.actors.values().next().value?.stopped).toBe(true)
    const backwards = moments.toReversed().map((moment) => {
      playback.seek(BEGIN + moment)
      return shown(store)
    })
    expect(backwards.toReversed()).toEqual(forwards)
    expect(store.entries).toHaveLength(forwards[0]?.entries ?? 0)
  })

  test('has the transitions that were taken, for the chart', async () => {
    const { store, playback } = played(await outage())
    playback.seek(LOST)
    const entry = store.entries.at(-1)
    expect(entry).toMatchObject({ from: 'connected.ready', to: 'reconnecting', guards: ['attemptsLeft'] })
    expect(entry?.rows.length).toBeGreaterThan(0)
  })

  test('has the time of the moment that it shows, and stays within the recording', async () => {
    const { store, playback } = played(await outage())
    expect(store.now()).toBe(BEGIN)
    playback.seek(BEGIN - MINUTE)
    expect(store.now()).toBe(BEGIN)
    playback.seek(BEGIN + 100 * MINUTE)
    expect(store.now()).toBe(BEGIN + 187_255)
  })

  test.each([
    [1, 3_000, 3_000],
    [60, 3_000, 180_000],
    [600, 3_000, 187_255],
  ] as const)('plays at %i×', async (speed, real, expected) => {
    const { playback } = played(await outage())
    /** Lets time pass for the reader. */
    const pass = (time: number) => {
      for (let passed = 0; passed < time; passed += 50) playback.advance(50)
    }
    pass(1_000)
    expect(playback.time, 'not played yet').toBe(BEGIN)
    playback.setSpeed(speed)
    playback.play()
    pass(real)
    expect(playback.time - BEGIN).toBe(expected)
    expect(playback.isPlaying, 'it ends with the recording').toBe(speed !== 600)
    playback.pause()
    pass(1_000)
    expect(playback.time - BEGIN).toBe(expected)
  })

  test('plays again from the beginning, and skips nothing because the browser was busy', async () => {
    const { playback } = played(await outage())
    playback.seek(BEGIN + 187_255)
    playback.play()
    expect(playback.time).toBe(BEGIN)
    playback.advance(60_000)
    expect(playback.time).toBe(BEGIN + 250)
    playback.advance(-5)
    expect(playback.time).toBe(BEGIN + 250)
  })

  test('goes to outages and to steps', async () => {
    const { store, playback } = played(await outage())
    const [actor = null] = store.actors.values()
    expect(playback.troubles(actor)).toEqual([{ start: LOST, end: LOST + 2_250 }])
    expect(playback.toOutage(-1, actor)).toBe(false)
    expect(playback.toOutage(1, actor)).toBe(true)
    expect(playback.time).toBe(LOST)
    expect(playback.toOutage(1, null)).toBe(false)
    playback.toStep(1, actor)
    expect(playback.time).toBe(LOST + 750)
    playback.toStep(-1, null)
    expect(playback.time).toBe(LOST)
    playback.seek(LOST - MINUTE)
    playback.toStep(1, null)
    expect(playback.time).toBeLessThanOrEqual(LOST)
    expect(store.entries.at(-1)?.time).toBe(playback.time)
    playback.seek(BEGIN + 5)
    expect(playback.toOutage(-1, actor)).toBe(false)
  })

  test('of which no step is left but the first cannot be played', async () => {
    const [header, checkpoint] = (await outage()).split('\n')
    const { store, playback } = played([header, checkpoint].join('\n'))
    playback.play()
    expect(playback.isPlaying).toBe(false)
    expect(shown(store)).toMatchObject({ state: 'idle', entries: 1 })
    expect(viewOf(store, { show: 'auto' }, 'loading')).toBe('one')
  })

  test('of another version shows what was recorded where this one takes another way', async () => {
    const text = changed(await outage(), (line) => line.replace('"timer":"reconnectDelay"', '"timer":"otherDelay"'))
    const recordings = new PlayedRecordings(readRecordings(text).recordings)
    const differing: unknown[] = []
    expect([...recordings.messages((client, at) => differing.push([client, at - LOST]))].length).toBeGreaterThan(0)
    expect(differing).toEqual([['gateway', 750]])
    const { store, playback } = played(text)
    playback.seek(LOST + 750)
    expect(shown(store)).toMatchObject({ state: 'reconnecting', failure: 'socket', keepAlive: 'object' })
  })

  test('says where lines are missing, and that a machine broke', async () => {
    const lines = (await outage()).trim().split('\n')
    const last = lines.findLastIndex((line) => line.includes('"type":"checkpoint"'))
    const broken =
      '{"type":"broken","client":1,"t":120006,"event":{"type":"transport.failed","failure":{"kind":"closed"}}}'
    const text = [...lines.slice(0, last - 1), broken, '{"type":"lost","lines":7}', ...lines.slice(last)].join('\n')
    const { store, playback } = played(text)
    playback.seek(BEGIN + 187_255)
    const titles = store.entries.map(({ event }) => event.type)
    expect(titles).toContain('lines are missing')
    expect(store.entries.find(({ event }) => event.type === 'lines are missing')?.event).toMatchObject({ lines: 7 })
    expect(store.entries.filter(({ snapshot }) => snapshot.status === 'error')).toHaveLength(1)
  })

  test('of two processes shows the later one instead of the earlier one', async () => {
    const first = await outage()
    const second = changed(first, (line) =>
      line
        .replace('"run":"test"', '"run":"later"')
        .replaceAll(/"now":(\d+)/g, (_, now: string) => `"now":${Number(now) + 10 * MINUTE}`),
    )
    // The first one ended without a last word.
    const crashed = first.trim().split('\n').slice(0, -3).join('\n')
    const { store, playback } = played(`${crashed}\n${second}`)
    const seen = (time: number) => {
      playback.seek(time)
      return fleetOf(store, null).map(({ name, state }) => [name, state])
    }
    expect(seen(BEGIN + 5 * MINUTE)).toEqual([['gateway', 'connected.ready']])
    expect(seen(BEGIN + 11 * MINUTE)).toEqual([['gateway', 'connected.ready']])
    expect(store.actors.size).toBe(2)
    expect(seen(BEGIN + 5 * MINUTE)).toEqual([['gateway', 'connected.ready']])
    expect(store.actors.size).toBe(1)
  })

  test('is shown as a fleet by all its clients, not by those that exist at the moment', () => {
    const store = new Store()
    Object.assign(store, { playback: { tracks: Array.from({ length: 11 }) } as unknown as Playback })
    expect(isFleet(store)).toBe(true)
  })

  test('that is sent again, because the connection was lost meanwhile, has each step once', async () => {
    const messages = messagesOf(await outage())
    const store = new Store()
    for (const message of messages.slice(0, 20)) store.apply(message)
    store.setLink({ status: 'lost', since: 0, retryAt: 1 })
    for (const message of messages) store.apply(message)
    const { store: whole, playback } = played(await outage())
    for (const each of [playback, store.playback]) each?.seek(BEGIN + 187_255)
    expect(shown(store)).toEqual(shown(whole))
  })
})

describe('the outages of several connections', () => {
  const up = { state: 'connected.ready', family: 'online', attempt: false, seq: 0 } as const
  const down = { state: 'reconnecting', family: 'waiting', attempt: false, seq: 0 } as const
  /** A connection that is lost and returns at the given seconds in turn. */
  const course = (...seconds: number[]) => ({
    bands: [0, ...seconds].map((at, index) => ({ ...(index % 2 === 0 ? up : down), start: at * SECOND })),
  })

  test.each([
    ['none', [course(), course()], []],
    [
      'each of a single connection',
      [course(10, 11, 12, 13)],
      [
        [10, 11],
        [12, 13],
      ],
    ],
    ['of a broker that fails', [course(10, 20), course(14, 40), course(25, 30)], [[10, 40]]],
    [
      'at different times',
      [course(10, 20), course(60, 70)],
      [
        [10, 20],
        [60, 70],
      ],
    ],
    [
      'while one never returns',
      [course(10), course(11, 20, 60, 70)],
      [
        [10, 100],
        [60, 70],
      ],
    ],
  ])('%s', (_, courses, expected) => {
    const troubles = troublesOf(courses, 100 * SECOND)
    expect(troubles.map(({ start, end }) => [start / SECOND, end / SECOND])).toEqual(expected)
  })
})

describe('the part of the timeline in sight', () => {
  const range = { from: 0, until: 100 * MINUTE }

  test.each([
    ['begins with all', wholeOf(range), { left: -MINUTE, span: 102 * MINUTE }],
    ['is not too short', wholeOf({ from: 5, until: 5 }), { left: -4_995, span: 10_000 }],
    [
      'is zoomed around a moment',
      zoomed(wholeOf(range), 0.5, 50 * MINUTE, range),
      { left: 24.5 * MINUTE, span: 51 * MINUTE },
    ],
    ['is never more than all', zoomed(around(50 * MINUTE, MINUTE, range), 1e9, 50 * MINUTE, range), wholeOf(range)],
    ['does not pass the beginning', around(0, 10 * MINUTE, range), { left: -MINUTE, span: 10 * MINUTE }],
    ['does not pass the end', around(100 * MINUTE, 10 * MINUTE, range), { left: 91 * MINUTE, span: 10 * MINUTE }],
    ['stays while the moment is in sight', following({ left: 10, span: 10 }, 20, range), { left: 10, span: 10 }],
    [
      'follows a moment that leaves it',
      following({ left: 0, span: 10 * MINUTE }, 20 * MINUTE, range),
      { left: 15 * MINUTE, span: 10 * MINUTE },
    ],
  ])('%s', (_, actual, expected) => {
    expect(actual).toEqual(expected)
  })
})
