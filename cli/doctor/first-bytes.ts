import { fault, type Finding, ok } from './finding.ts'
import type { Speech } from './speech.ts'
import { isSecure, isWebSocket, type Scheme, type Target, urlOf } from './way.ts'

/** What the server was heard to speak on both layers; a layer that was not asked is left out. */
export interface Heard {
  readonly tcp?: Speech
  readonly tls?: Speech
  /** The path on which the server takes MQTT over WebSocket, if it was looked for and found. */
  readonly path?: string
}

/** The scheme that fits what the server speaks; `undefined` if it is not known. */
export function fittingScheme({ scheme }: Target, { tcp, tls }: Heard): Scheme | undefined {
  if (tls?.speaks === 'mqtt') return 'mqtts'
  if (tls?.speaks === 'http') return 'wss'
  if (tcp?.speaks === 'mqtt') return 'mqtt'
  if (tcp?.speaks === 'http') return 'ws'
  if (tcp?.speaks === 'tls') return scheme === 'ws' || scheme === 'wss' ? 'wss' : 'mqtts'
  return undefined
}

/** Compares what the server speaks with the scheme of the URL. */
export function firstBytesFindings(target: Target, heard: Heard): readonly Finding[] {
  const { tcp, tls, path } = heard
  const speech = tls ?? tcp
  if (!speech) return []
  const fitting = fittingScheme(target, heard)
  if (fitting === target.scheme && speech.speaks !== 'tls') {
    const language = isWebSocket(target) ? 'HTTP' : 'MQTT'
    return [
      ok(
        'first-bytes',
        `The server speaks ${language}${tls ? ' inside TLS' : ''}, as the scheme ${target.scheme} says.`,
      ),
    ]
  }
  const place = tls ? `inside TLS on port ${target.port}` : `on port ${target.port}`
  const expected = expectedOf(target)
  switch (speech.speaks) {
    case 'tls':
      return [
        fault(
          'first-bytes',
          'tls',
          `The server speaks TLS ${place}, and the scheme ${target.scheme} of the URL means ${expected}: it drops what it can't read.`,
          `Use ${urlOf(target, { scheme: fitting ?? 'mqtts' })}, or the port of the server for ${expected}.`,
        ),
      ]
    case 'mqtt':
      return [
        fault(
          'first-bytes',
          'mqtt',
          `The server speaks MQTT ${place}, and the scheme ${target.scheme} of the URL means ${expected}.`,
          plainOr(target, fitting ?? 'mqtt'),
        ),
      ]
    case 'http':
      return [http(target, heard, place, expected, path)]
    case 'other':
      return [
        fault(
          'first-bytes',
          'other',
          `The server speaks neither MQTT nor HTTP ${place}. It begins with “${speech.line ?? ''}”, so another service has this port.`,
          'Correct the host or the port of the URL.',
        ),
      ]
    case 'nothing':
      return [nothing(target, speech, place)]
  }
}

/** Whether the scheme would give the encryption up that the URL asks for. */
export function isDowngrade(target: Target, fitting: Scheme): boolean {
  return isSecure(target) && !isSecure({ scheme: fitting })
}

function plainOr(target: Target, fitting: Scheme, path?: string): string {
  const url = urlOf(target, { scheme: fitting, ...(path !== undefined && { path }) })
  if (!isDowngrade(target, fitting)) return `Use ${url}, or the port of the server for ${expectedOf(target)}.`
  return `Use the port of the server for ${expectedOf(target)}. Only if everyone on the way may read everything, also the password, use ${url}.`
}

function http(target: Target, { tls, tcp }: Heard, place: string, expected: string, path: string | undefined): Finding {
  const { line = '' } = tls ?? tcp ?? {}
  const scheme = tls ? 'wss' : 'ws'
  const text = `A web server answers ${place} (“${line}”), and the scheme ${target.scheme} of the URL means ${expected}.`
  if (path !== undefined) {
    const found = `${text} It takes MQTT over WebSocket on the path ${path}.`
    return fault('first-bytes', 'http', found, plainOr(target, scheme, path))
  }
  return fault(
    'first-bytes',
    'http',
    text,
    `Use the port of the broker for ${expected}. If the broker speaks MQTT over WebSocket here, use ${scheme}: and its path.`,
  )
}

function nothing(target: Target, { ending }: Speech, place: string): Finding {
  if (ending === 'silent') {
    return fault(
      'first-bytes',
      'silent',
      `The server accepts connections and says nothing ${place}: a proxy may wait for a backend that does not answer, the broker may hang, or it may wait for a PROXY header.`,
      'Look at the log of the broker, and at the backends of the proxy or load balancer in front of it.',
    )
  }
  return fault(
    'first-bytes',
    'closed',
    `The server accepts connections, and ${ending === 'reset' ? 'resets' : 'closes'} them at the first bytes ${place}, without an answer in MQTT, TLS or HTTP: a proxy whose backend is down does that, and a broker that has reached its limit of connections${isSecure(target) ? ' or wants a client certificate' : ''}.`,
    'Look at the log of the broker, and at the backends of the proxy or load balancer in front of it.',
  )
}

function expectedOf(target: Target): string {
  const base = isWebSocket(target) ? 'MQTT over WebSocket' : 'MQTT'
  return isSecure(target) ? `${base} inside TLS` : `plain ${base}`
}
