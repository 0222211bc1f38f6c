import { randomBytes } from 'node:crypto'
import { type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http'
import type { Duplex } from 'node:stream'

import type { Failure } from '../../machines/failure.ts'
import { describeFailure } from '../../src/api/describe-failure.ts'
import { fromError } from '../../src/mqtt/failures.ts'
import { safeText } from '../../src/shared/safe-text.ts'
import { fault, type Finding, ok } from './finding.ts'
import { type Lab, within } from './lab.ts'
import { inUrl, openStream, type Outcome, TIMED_OUT, type Target, type Way } from './way.ts'

/** The answer to an upgrade. */
export interface Upgrade {
  readonly status: number
  /** The one that the server has chosen. */
  readonly subprotocol?: string
  /** The name of the software. */
  readonly server?: string
  /** The scheme and host of a redirection. */
  readonly location?: string
  /** The value of the header `date`, in milliseconds since 1970. */
  readonly date?: number
}

/** Paths on which brokers take MQTT over WebSocket. */
const USUAL_PATHS = ['/mqtt', '/ws', '/']

/** Asks for an upgrade to a WebSocket with MQTT, as the client does. */
export async function measureUpgrade(
  lab: Lab,
  way: Way,
  headers: Readonly<Record<string, string>> = {},
): Promise<Outcome<Upgrade>> {
  const opened = await openStream(lab, way)
  if ('failure' in opened) return opened
  const { value: stream } = opened
  const outcome = await within(lab, `the answer to the WebSocket upgrade`, lab.patience, askFor(stream, way, headers))
  stream.destroy()
  return outcome ?? { failure: TIMED_OUT }
}

/** Finds a path on which the server takes MQTT over WebSocket. */
export async function findPath(lab: Lab, way: Way): Promise<string | undefined> {
  for (const path of USUAL_PATHS) {
    const outcome = await measureUpgrade(lab, { ...way, path })
    if ('value' in outcome && isOpen(outcome.value)) return path
  }
  return undefined
}

export function isOpen({ status, subprotocol }: Upgrade): boolean {
  return status === 101 && subprotocol === 'mqtt'
}

interface Meaning {
  readonly name: string
  readonly cause: string
  readonly remedy: string
}

/** @param path - the path that works, if another one was found */
export function upgradeFindings(target: Target, upgrade: Upgrade, path?: string): readonly Finding[] {
  const { status, subprotocol, server } = upgrade
  const by = server === undefined ? 'The server' : `The server (${server})`
  if (isOpen(upgrade)) return [ok('websocket', `${by} takes the WebSocket upgrade, with the subprotocol mqtt.`)]
  if (status === 101) {
    const chosen = subprotocol === undefined ? 'no subprotocol' : `the subprotocol ${subprotocol}`
    return [
      fault(
        'websocket',
        'subprotocol',
        `${by} takes the WebSocket upgrade with ${chosen} instead of mqtt (MQTT 5 §6.0): it serves another application on this path, or a proxy drops the header Sec-WebSocket-Protocol. Clients end such a connection.`,
        path === undefined
          ? 'Correct the path of the URL, or let the proxy pass Sec-WebSocket-Protocol on.'
          : `Use the path ${path}, on which the server takes MQTT.`,
      ),
    ]
  }
  const { name, cause, remedy } = meaningOf(target, upgrade)
  const advice = path === undefined ? remedy : `Use the path ${path}, on which the server takes MQTT.`
  return [fault('websocket', name, `${by} answers the WebSocket upgrade with HTTP ${status}: ${cause}.`, advice)]
}

/** The server answers other requests in HTTP, and not this one. */
export function noUpgrade(failure: Failure): Finding {
  return fault(
    'websocket',
    'no-answer',
    `The server speaks HTTP, but does not answer the WebSocket upgrade: ${reasonOf(failure)}.`,
    'Correct the path of the URL, and look at the log of this server, or of the proxy in front of it.',
  )
}

function reasonOf(failure: Failure): string {
  if (failure.kind === 'closed') return 'it closes the connection'
  if (failure.kind === 'timeout') return 'nothing comes in time'
  return failure.kind === 'protocol' ? failure.message : describeFailure(failure)
}

const UNAUTHORIZED: Meaning = {
  name: 'unauthorized',
  cause: 'it, or a proxy in front of it, wants a login in the HTTP request',
  remedy:
    'Give the headers that it wants in options.wsOptions.headers, or in credentials.wsHeaders if they are tokens.',
}

function meaningOf({ path }: Target, { status, location }: Upgrade): Meaning {
  if (status === 401 || status === 403) return UNAUTHORIZED
  if (status === 404 || status === 405 || status === 410) {
    return {
      name: 'path',
      cause: `it has no WebSocket on the path ${path.replace(/\?.*$/, '')}`,
      remedy: 'Correct the path of the URL: many brokers use /mqtt, /ws or /.',
    }
  }
  if (status >= 300 && status <= 399) {
    return {
      name: 'redirection',
      cause: `it redirects to ${location ?? 'another place'}, which clients of WebSockets do not follow`,
      remedy: 'Use the URL of the place to which it redirects, with ws: instead of http:, or wss: instead of https:.',
    }
  }
  if (status === 502 || status === 503 || status === 504) {
    return {
      name: 'backend',
      cause:
        'a proxy answers, and the broker behind it is down, or drops the request because the proxy does not pass the upgrade on',
      remedy:
        'Start the broker, and correct its address in the configuration of the proxy. Let the proxy pass the upgrade on (nginx: proxy_http_version 1.1, and the headers Upgrade and Connection).',
    }
  }
  if (status === 429) {
    return { name: 'rate', cause: 'it allows fewer connections', remedy: 'Connect less often, or raise its limit.' }
  }
  if (status === 400 || status === 426 || (status >= 200 && status <= 299)) {
    return {
      name: 'no-upgrade',
      cause: 'it serves web pages on this path, or a proxy does not pass the headers Upgrade and Connection on',
      remedy:
        'Let the proxy pass the upgrade on (nginx: proxy_http_version 1.1, and the headers Upgrade and Connection), or correct the path.',
    }
  }
  return { name: 'refused', cause: 'it refuses it', remedy: 'Look at the log of this server.' }
}

function askFor(stream: Duplex, way: Way, headers: Readonly<Record<string, string>>): Promise<Outcome<Upgrade>> {
  return new Promise((resolve) => {
    const sent = request({
      method: 'GET',
      path: way.path,
      createConnection: () => stream,
      headers: {
        ...headers,
        Host: `${inUrl(way.host)}:${way.port}`,
        Connection: 'Upgrade',
        Upgrade: 'websocket',
        'Sec-WebSocket-Version': '13',
        'Sec-WebSocket-Key': randomBytes(16).toString('base64'),
        'Sec-WebSocket-Protocol': 'mqtt',
      },
    })
    const answered = ({ statusCode = 0, headers: received }: IncomingMessage) =>
      resolve({ value: upgradeOf(statusCode, received) })
    sent.once('upgrade', answered)
    sent.once('response', (response) => {
      response.on('error', () => {})
      answered(response)
    })
    sent.once('error', (error) => resolve({ failure: failureOf(error) }))
    sent.end()
  })
}

function upgradeOf(status: number, headers: IncomingHttpHeaders): Upgrade {
  const [subprotocol, server] = [headers['sec-websocket-protocol'], headers['server']].map((each) => each?.toString())
  const date = Date.parse(headers.date ?? '')
  const location = headers.location === undefined ? undefined : originOf(headers.location)
  return {
    status,
    ...(subprotocol !== undefined && { subprotocol: safeText(subprotocol) }),
    ...(server !== undefined && { server: safeText(server) }),
    ...(location !== undefined && { location }),
    ...(Number.isFinite(date) && { date }),
  }
}

/** Without the path and the query, which may hold secrets. */
function originOf(location: string): string {
  const [, origin] = /^([a-z]+:\/\/[^/?#@]+)(?:[/?#]|$)/i.exec(location) ?? []
  return safeText(origin ?? 'another path')
}

/** Node reports an answer that is not HTTP with the code HPE_… of its parser. */
function failureOf(error: Error & { code?: string }): Failure {
  if (error.code?.startsWith('HPE_')) return { kind: 'protocol', message: 'the answer is not HTTP' }
  if (error.message === 'socket hang up') return { kind: 'closed', beforeConnack: true, webSocket: true }
  return fromError(error, 'ws')
}
