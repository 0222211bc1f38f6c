import { setTimeout as sleep } from 'node:timers/promises'

import type { Direction, Proxy } from '../lab/proxy.ts'
import type { ChaosBroker } from './broker.ts'

/** The parts of a run that a fault acts on. */
export interface FaultTargets {
  readonly broker: ChaosBroker
  readonly proxies: readonly Proxy[]
  readonly publisherProxies: readonly Proxy[]
  readonly random: () => number
  /** In milliseconds. */
  readonly keepalive: number
  /** Resolves to whether all acknowledged messages have arrived in time. */
  readonly arrived: () => Promise<boolean>
  readonly subscribersReady: () => Promise<void>
  /** Called when the broker has lost its sessions. */
  readonly forgotten: () => void
  /** Called when the broker accepts connections again, although the fault is not over for all clients. */
  readonly back: () => void
  /** Kills the process with the durable store, and starts another one; `undefined` if there is no such process. */
  readonly killProcess: (() => Promise<void>) | undefined
}

/** Resolves when the fault is over, to whether it affected anything. The clients may not have recovered yet. */
export type Fault = (targets: FaultTargets) => Promise<boolean>

export const faults: Readonly<Record<string, Fault>> = {
  /** SIGKILL and restart, with persistence. Bytes that are on the way are lost. */
  async brokerKilled({ broker, random, proxies }) {
    for (const proxy of proxies) cutOff(proxy)
    await broker.kill()
    await sleep(between(random, 0, 1_500))
    await broker.up()
    for (const proxy of proxies) reconnectable(proxy)
    return true
  },

  /** SIGSTOP for less than the keep alive: no client must notice. */
  async brokerFrozenShortly({ broker, random, keepalive }) {
    broker.freeze()
    await sleep(between(random, 200, keepalive * 0.6))
    broker.thaw()
    return true
  },

  /** SIGSTOP for longer than the keep alive: all connections are half-open. */
  async brokerFrozen({ broker, random, keepalive }) {
    broker.freeze()
    await sleep(between(random, keepalive * 1.6, keepalive * 2.5))
    broker.thaw()
    return true
  },

  connectionReset: onOneLink(async (proxy) => proxy.reset()),

  async allConnectionsReset({ proxies }) {
    for (const proxy of proxies) proxy.reset()
    return true
  },

  delayed: onOneLink(async (proxy, { random }) => {
    proxy.delay = between(random, 20, 200)
    await sleep(between(random, 500, 2_000))
    proxy.delay = 0
  }),

  /** One direction of a link is stalled, sometimes for longer than the keep alive. */
  stalled: onOneLink(async (proxy, { random, keepalive }) => {
    proxy.stall(oneDirection(random))
    await sleep(between(random, 200, keepalive * 2))
    proxy.resume()
  }),

  /** The link breaks in the middle of the next packet. */
  cutMidPacket: onOneLink(async (proxy, { random }) => proxy.cutNext(oneDirection(random))),

  /** Links break, and new connections are accepted but never answered. */
  async blackHole({ proxies, random }) {
    const chosen = proxies.filter(() => random() < 0.5)
    const connected = chosen.some(({ heldSockets }) => heldSockets > 0)
    for (const proxy of chosen) {
      proxy.blackHole = true
      proxy.reset()
    }
    await sleep(between(random, 500, 4_000))
    for (const proxy of chosen) {
      proxy.blackHole = false
      proxy.closeSwallowed()
    }
    return connected
  },

  /**
   * The broker restarts without its sessions. All messages that it acknowledged have arrived before, because no client
   * could save them. The client must publish again those that are not acknowledged.
   */
  async sessionsDeleted({ broker, publisherProxies, arrived, subscribersReady, forgotten, back, random }) {
    for (const proxy of publisherProxies) proxy.stall('toClient')
    await sleep(between(random, 50, 200))
    for (const proxy of publisherProxies) cutOff(proxy)
    const deletable = await arrived()
    if (deletable) {
      await broker.kill()
      broker.forgetSessions()
      forgotten()
      await broker.up()
      back()
      // Without subscribers, a broker acknowledges messages and drops them.
      await subscribersReady()
    }
    for (const proxy of publisherProxies) reconnectable(proxy)
    return deletable
  },

  async passwordReplaced({ broker }) {
    broker.replacePassword()
    return true
  },

  async processKilled({ killProcess }) {
    await killProcess?.()
    return killProcess !== undefined
  },
}

/** A fault on one link, chosen at random. There may be no client connected through it. */
function onOneLink(fault: (proxy: Proxy, targets: FaultTargets) => Promise<void>): Fault {
  return async (targets) => {
    const proxy = one(targets.proxies, targets.random)
    const connected = proxy.heldSockets > 0
    await fault(proxy, targets)
    return connected
  }
}

function oneDirection(random: () => number): Direction {
  return random() < 0.5 ? 'toBroker' : 'toClient'
}

/** Stops all bytes to and from the broker. */
function cutOff(proxy: Proxy): void {
  proxy.stall('toBroker', 'toClient')
  proxy.blackHole = true
}

/** Ends links that were cut off, so that clients can connect again. */
function reconnectable(proxy: Proxy): void {
  if (proxy.blackHole) proxy.reset()
  proxy.blackHole = false
}

function one<T>(items: readonly T[], random: () => number): T {
  const item = items[Math.floor(random() * items.length)]
  if (item === undefined) throw new Error('There is nothing to choose from')
  return item
}

function between(random: () => number, low: number, high: number): number {
  return low + (high - low) * random()
}
