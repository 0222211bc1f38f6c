import type { IncomingMessage } from 'node:http'

import { safeText } from '../src/shared/safe-text.ts'
import type { FeedProblem } from './feed-status.ts'

/** The longest answer of a server that is read. Our own are shorter. */
const MAX_BODY = 1_000

const advice: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'Nothing listens at this address. Is the visualizer running, and on this port?',
  ENOTFOUND: 'The host name is not known.',
  EAI_AGAIN: 'The host name could not be looked up.',
  ETIMEDOUT: 'The visualizer does not answer.',
  EHOSTUNREACH: 'There is no route to the visualizer.',
  ENETUNREACH: 'There is no route to the visualizer.',
  ECONNRESET: 'The visualizer reset the connection. Does its address begin with https: while the server speaks http:?',
  EPROTO: 'TLS failed. Does the address begin with https: while the server speaks http:?',
}

/** The problem that an error of a socket means. Its message is not shown as it is: it may quote the address. */
export function problemOf(error: Error & { readonly code?: unknown }): FeedProblem {
  const code = typeof error.code === 'string' ? error.code : 'ERROR'
  if (/handshake has timed out/i.test(error.message)) return unanswered
  return {
    code,
    message: advice[code] ?? `The connection to the visualizer failed: ${safeText(withoutUrls(error.message))}`,
  }
}

/** The problem that a response means which is no upgrade to a WebSocket. */
export async function refusalOf(response: IncomingMessage): Promise<FeedProblem> {
  const { statusCode = 0 } = response
  const isText = /^text\/plain\b/.test(response.headers['content-type'] ?? '')
  const body = isText ? withoutUrls(safeText(await textOf(response))) : ''
  response.destroy()
  const what = statusCode === 401 ? 'The visualizer refused the token.' : `The server answered with HTTP ${statusCode}.`
  return { code: `HTTP_${statusCode}`, message: body === '' ? what : `${what} ${body}` }
}

const unanswered: FeedProblem = { code: 'TIMEOUT', message: 'The visualizer does not answer.' }

export const closedProblem: FeedProblem = {
  code: 'CLOSED',
  message: 'The visualizer closed the connection. It was stopped, or restarted.',
}

async function textOf(response: IncomingMessage): Promise<string> {
  let text = ''
  response.setEncoding('utf8')
  try {
    for await (const chunk of response) {
      text += String(chunk)
      if (text.length > MAX_BODY) break
    }
  } catch {
    // The part that came is enough.
  }
  return text.slice(0, MAX_BODY)
}

function withoutUrls(text: string): string {
  return text.replaceAll(/\b(?:https?|wss?):\/\/\S+/gi, 'its address')
}
