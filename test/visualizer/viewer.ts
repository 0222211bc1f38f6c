import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { WebSocket } from 'ws'

import type { Visualizer, VisualizerOptions } from '../../visualizer/index.ts'
import { serve } from '../../visualizer/serve/server.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

export interface AnyMessage {
  readonly type: string
  readonly [field: string]: any
}

/** A visualizer with a page of three lines, for one test. */
export async function startVisualizer(
  options: VisualizerOptions = {},
  maxUnreadBytes = 16 * 1024 * 1024,
): Promise<Visualizer & { readonly pageFolder: string }> {
  const pageFolder = temporaryFolder()
  await writeFile(join(pageFolder, 'index.html'), '<!doctype html><title>page</title>')
  await writeFile(join(pageFolder, 'page.js'), 'console.log(1)')
  const visualizer = await serve(options, { pageFolder, maxUnreadBytes })
  onTestFinished(() => visualizer.close())
  return Object.assign(visualizer, { pageFolder })
}

/** The WebSocket address of a visualizer: `/viewer`, `/feed`, `/stately`. */
export function socketUrl(visualizer: { readonly url: string }, path: string): string {
  const url = new URL(visualizer.url)
  url.protocol = 'ws:'
  url.pathname = path
  return url.href
}

/** A socket that keeps what it got, and tells when something came. */
export class Peer {
  readonly socket: WebSocket
  readonly frames: string[] = []
  readonly messages: AnyMessage[] = []
  readonly #waiting = new Set<() => void>()

  constructor(url: string, options: { readonly origin?: string; readonly headers?: Record<string, string> } = {}) {
    this.socket = new WebSocket(url, options)
    this.socket.on('error', () => {})
    this.socket.on('message', (data) => {
      const frame = (data as Buffer).toString()
      const message = JSON.parse(frame) as AnyMessage
      this.frames.push(frame)
      this.messages.push(...(message.type === '@xstate-mqtt.batch' ? message.messages : [message]))
      for (const check of this.#waiting) check()
    })
    onTestFinished(() => this.socket.terminate())
  }

  get opened(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.socket.once('open', () => resolve())
      this.socket.once('error', reject)
    })
  }

  get closed(): Promise<number> {
    return new Promise((resolve) => {
      this.socket.once('close', resolve)
    })
  }

  /** The HTTP status that it was refused with. */
  get refused(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.socket.once('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0))
      this.socket.once('open', () => reject(new Error('was accepted')))
    })
  }

  send(message: AnyMessage): void {
    this.socket.send(JSON.stringify(message))
  }

  of(type: string): AnyMessage[] {
    return this.messages.filter((message) => message.type === type)
  }

  /** The first message, past or to come, that is as wanted. */
  until(isWanted: (message: AnyMessage) => boolean): Promise<AnyMessage> {
    return new Promise((resolve) => {
      const check = () => {
        const found = this.messages.find(isWanted)
        if (!found) return
        this.#waiting.delete(check)
        resolve(found)
      }
      this.#waiting.add(check)
      check()
    })
  }
}

/** A page, as far as the server sees it. It has its replay. */
export async function openViewer(visualizer: { readonly url: string }): Promise<Peer> {
  const viewer = new Peer(socketUrl(visualizer, '/viewer'))
  await viewer.opened
  viewer.send({ type: '@statelyai.connected' })
  await viewer.until(({ type }) => type === '@xstate-mqtt.live')
  return viewer
}

/** Resolves as soon as something calls `arrived` with what is wanted. */
export function arrival<Value>(): {
  arrived: (value: Value) => void
  until: (wanted: (value: Value) => boolean) => Promise<Value>
} {
  const values: Value[] = []
  const checks = new Set<() => void>()
  return {
    arrived(value) {
      values.push(value)
      for (const check of checks) check()
    },
    until: (wanted) =>
      new Promise((resolve) => {
        const check = () => {
          const found = values.find(wanted)
          if (found === undefined) return
          checks.delete(check)
          resolve(found)
        }
        checks.add(check)
        check()
      }),
  }
}
