import type { ComponentChildren } from 'preact'
import { useEffect, useState } from 'preact/hooks'

import type { Command, ShownSnapshot, Timer } from '../../../protocol.ts'
import { familyOf, stateOf } from '../../../shared/family.ts'
import { entryAt } from '../model/entries.ts'
import { bytes, clock, duration, percent, remaining, shown, when } from '../model/format.ts'
import { namesOf, silentSince } from '../model/processes.ts'
import { contextOf, fields, number, placeOf, topState } from '../model/state.ts'
import type { Store } from '../model/store.ts'
import type { Actor, Entry } from '../model/types.ts'
import { uptimeOf } from '../model/uptime.ts'
import { outOf, plainSummary, silentSummary, summaryOf, timerOf } from '../model/words.ts'
import { useNow } from './hooks.ts'

interface HeaderProps {
  readonly store: Store
  readonly actor: Actor
  readonly at: Entry | null
  /** The time of the timeline, which is drawn once a second. Both show how long the actor was online. */
  readonly second: number
  readonly version: number
  readonly onCommand: (actor: Actor, command: Command) => void
}

/** The summary that a person on call reads first: what is wrong, and what happens next, in words. */
export function Header({ store, actor, at, second, onCommand }: HeaderProps) {
  const silent = at ? null : silentSince(store, actor)
  const now = useNow(store, at?.time ?? silent)
  const { snapshot, timers, since } = momentOf(actor, at)
  const family = silent === null ? familyOf(snapshot) : 'resting'
  const moment = { snapshot, timers, now, since, bornAt: actor.bornAt }
  const seen = actor.connection ? summaryOf(moment) : plainSummary(moment, entryAt(actor, at)?.event.type)
  const words = silent === null ? seen : silentSummary(seen, when(silent, store.now()))
  const rest = words.timer ? Math.max(0, remaining(words.timer, now)) : 0
  const whose = namesOf(store).whose(actor)
  const whole = words.timer ? Math.max(1, words.timer.end - words.timer.start) : 1

  return (
    <header class={`status family-${family}`} aria-label="Status">
      <h1>
        <span class="dot" aria-hidden="true" />
        <span data-test="state">{words.title}</span>
        {words.detail && <span class="status-detail"> — {words.detail}</span>}
        {whose && (
          <small class="status-whose" data-test="whose">
            {' '}
            {shown(whose, 100)}
          </small>
        )}
      </h1>
      {store.welcome?.allowCommands && actor.commands.length > 0 && (
        <Commands
          actor={actor}
          disabled={at !== null || silent !== null || store.link.status !== 'live'}
          onCommand={onCommand}
        />
      )}
      <p class="status-sentences">
        {words.next && (
          <span class="status-next" data-test="next">
            {words.next}{' '}
          </span>
        )}
        {words.cause && (
          <span class="status-cause" data-test="cause" title={words.cause}>
            {words.cause}{' '}
          </span>
        )}
        {words.outage && <span class="status-outage">{words.outage}</span>}
      </p>
      <div class="status-bar" aria-hidden="true">
        {words.timer && <div class="status-bar-left" style={{ width: `${(100 * rest) / whole}%` }} />}
      </div>
      <Announcer text={`${actor.name}: ${words.title} ${words.detail}. ${words.cause}`} state={stateOf(snapshot)} />
      {actor.connection ? (
        <Facts
          store={store}
          actor={actor}
          at={at}
          now={now}
          upTo={at || silent !== null ? now : second}
          since={since}
          snapshot={snapshot}
        />
      ) : (
        <dl class="facts">
          <Fact name="Actor">{shown(actor.name, 60)}</Fact>
          <Fact name="In this state since">{`${when(since, now)} · ${duration(now - since)}`}</Fact>
          <Fact name="Status">{snapshot.status}</Fact>
        </dl>
      )}
    </header>
  )
}

interface FactsProps {
  readonly store: Store
  readonly actor: Actor
  readonly at: Entry | null
  readonly now: number
  /** The end of the time that counts for the uptime. */
  readonly upTo: number
  readonly since: number
  readonly snapshot: ShownSnapshot
}

function Facts({ store, actor, at, now, upTo, since, snapshot }: FactsProps) {
  const context = contextOf(snapshot)
  const config = fields(context.config)
  const counters = fields(context.counters)
  const uptime = uptimeOf(actor, upTo)
  const subscriptions = [...store.actors.values()].find(
    ({ parentId, name }) => parentId === actor.sessionId && name === 'subscriptions',
  )
  const counts = subscriptions && contextOf(entryAt(subscriptions, at)?.snapshot ?? subscriptions.snapshot)
  const refused = number(counts?.refused) ?? 0
  const stats = at ? null : actor.stats
  const timer = timerOf(topState(snapshot), momentOf(actor, at).timers, context)
  const isOnline = snapshot.tags?.includes('online') ?? false
  const waiting = snapshot.tags?.includes('waiting') ?? false
  const unknown = store.playback ? <small>not recorded</small> : '—'
  return (
    <dl class="facts">
      <Fact name="Since">
        {when(since, now)} <small>{duration(now - since)}</small>
      </Fact>
      <Fact name="Next retry">{waiting && timer ? clock(timer.end) : '—'}</Fact>
      <Fact name="Attempt">{outOf(context.attempt, fields(config.reconnect).maxAttempts)}</Fact>
      <Fact name="Recovery cycle">{outOf(context.cycle, fields(config.recovery).maxAttempts)}</Fact>
      <Fact name="Online" title="Of the time that this page has data for">
        {uptime ? (
          <>
            {percent(uptime.ratio)} <small>of {duration(uptime.of)}</small>
          </>
        ) : (
          '—'
        )}
      </Fact>
      <Fact name="Interruptions">
        {number(counters.interruptions) ?? 0} <small>{number(counters.failedAttempts) ?? 0} failed attempts</small>
      </Fact>
      <Fact name="Subscriptions" alarm={refused > 0}>
        {counts ? (
          <>
            {isOnline
              ? `${number(counts.held) ?? 0} of ${number(counts.wanted) ?? 0} held`
              : `${number(counts.wanted) ?? 0} wanted`}{' '}
            <small>{refused > 0 || isOnline ? `${refused} refused` : 'restored with the connection'}</small>
          </>
        ) : (
          unknown
        )}
      </Fact>
      <Fact name="Outbox">
        {stats?.outbox === undefined ? (
          unknown
        ) : (
          <>
            {stats.outbox} <small>{stats.outboxBytes === undefined ? 'waiting' : bytes(stats.outboxBytes)}</small>
          </>
        )}
      </Fact>
    </dl>
  )
}

function Fact({
  name,
  title,
  alarm,
  children,
}: {
  name: string
  title?: string
  alarm?: boolean
  children: ComponentChildren
}) {
  return (
    <div class={alarm ? 'fact alarm' : 'fact'} title={title}>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}

const labels: Readonly<Record<Command, string>> = {
  retry: 'Retry now',
  wake: 'Wake',
  recover: 'Recover',
  drop: 'Drop',
  connect: 'Connect',
  disconnect: 'Disconnect',
}

const hints: Readonly<Record<Command, string>> = {
  retry: 'RETRY: reset the counters and try at once',
  wake: 'WAKE: the network may be back; end the wait, or probe the connection',
  recover: 'RECOVER: get new credentials, create a new client and connect at once',
  drop: 'DROP: close the connection without a DISCONNECT, to see how it recovers',
  connect: 'CONNECT: connect, and stay connected',
  disconnect: 'DISCONNECT: disconnect, and stay disconnected',
}

/** Commands that end a connection. They need a second click while it is online. */
const asksAgain: ReadonlySet<Command> = new Set(['disconnect', 'recover', 'drop'])

function Commands({
  actor,
  disabled,
  onCommand,
}: {
  actor: Actor
  disabled: boolean
  onCommand: HeaderProps['onCommand']
}) {
  const [asked, ask] = useState<Command | null>(null)
  useEffect(() => {
    if (asked === null) return undefined
    const timer = setTimeout(() => ask(null), 4_000)
    return () => clearTimeout(timer)
  }, [asked])
  const online = actor.snapshot.tags?.includes('online') ?? false
  return (
    <div class="commands" role="group" aria-label="Commands">
      {(Object.keys(labels) as Command[])
        .filter((command) => actor.commands.includes(command))
        .map((command) => {
          const refused = actor.accepts !== undefined && !actor.accepts.includes(command)
          const needsYes = online && asksAgain.has(command)
          return (
            <button
              key={command}
              type="button"
              class={asked === command ? 'sure' : ''}
              disabled={disabled || refused}
              title={hints[command]}
              onClick={() => {
                if (needsYes && asked !== command) return ask(command)
                ask(null)
                onCommand(actor, command)
              }}
            >
              {asked === command ? `${labels[command]}: sure?` : labels[command]}
            </button>
          )
        })}
    </div>
  )
}

/** Announces new states to screen readers, but not every second. */
function Announcer({ text, state }: { text: string; state: string }) {
  const [said, say] = useState('')
  useEffect(() => {
    // A state that lasts only a moment is not announced.
    const timer = setTimeout(() => say(text), 700)
    return () => clearTimeout(timer)
  }, [state])
  return (
    <p class="hidden" role="status">
      {shown(said)}
    </p>
  )
}

export function momentOf(
  actor: Actor,
  at: Entry | null,
): { snapshot: ShownSnapshot; timers: readonly Timer[] | undefined; since: number } {
  if (!at) return { snapshot: actor.snapshot, timers: actor.timers, since: actor.since }
  const entry = entryAt(actor, at)
  if (!entry) return { snapshot: { status: 'active' }, timers: undefined, since: at.time }
  const place = placeOf(actor, entry.to)
  let { since } = { since: entry.time }
  for (let index = actor.bands.length - 1; index >= 0; index--) {
    const band = actor.bands[index]
    if (!band || band.seq > entry.seq) continue
    if (placeOf(actor, band.state) !== place) break
    since = band.start
  }
  return { snapshot: entry.snapshot, timers: entry.timers, since }
}
