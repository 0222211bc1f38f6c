import type { ResilientMqttClientOptions } from '../src/api/options.ts'
import { parseUrl } from '../src/shared/parse-url.ts'
import { UsageError } from './command.ts'
import { PASSWORD_ADVICE, type ConnectionValues, type Find, type Given } from './connection-flags.ts'

/**
 * Finds the broker of the command line or the environment.
 *
 * @param operand - the URL, if the command takes it as an argument without a flag
 * @returns `undefined` if there is none
 * @throws {UsageError}
 */
export function targetOf(values: ConnectionValues, find: Find, operand: string | undefined): Given | undefined {
  const { host, port, url } = values
  if (operand !== undefined && url !== undefined) throw new UsageError('the URL is given twice')
  if (host !== undefined) {
    if ((operand ?? url) !== undefined) throw new UsageError('--host and the URL exclude each other')
    return { text: urlOfHost(host, port, values), from: '--host', isFlag: true }
  }
  if (port !== undefined) throw new UsageError('--port needs --host')
  const target = operand === undefined ? find('url') : { text: operand, from: 'the URL', isFlag: true }
  if (target?.isFlag && !target.text.includes('://')) {
    throw new UsageError(`${target.from} has no scheme: a URL is, for example, mqtt://${hostOf(target.text)}`)
  }
  if (target?.isFlag && parseUrl(target.text)?.password) throw new UsageError(PASSWORD_ADVICE)
  return target
}

/**
 * Tells the URL and the topics of a command apart.
 *
 * @throws {UsageError} if the first one is the address of a host without the scheme of a URL
 */
export function splitOperands(operands: readonly string[]): {
  readonly url: string | undefined
  readonly topics: readonly string[]
} {
  const [first, ...others] = operands
  if (first !== undefined && ADDRESS.test(first)) {
    throw new UsageError(
      `'${first}' has no scheme: mqtt://${first} is a broker. For a topic of that name, give --topic`,
    )
  }
  return first?.includes('://') ? { url: first, topics: others } : { url: undefined, topics: operands }
}

/** The brokers of the options, without any secret. */
export function brokersOf({ url, servers, options }: ResilientMqttClientOptions): readonly string[] {
  const ofConnect = typeof options === 'object' ? options.url : undefined
  const listed = Array.isArray(servers)
    ? servers.map((each: string | { readonly url: string }) => (typeof each === 'string' ? each : each.url))
    : []
  return [ofConnect ?? url ?? listed].flat().flatMap((each) => {
    const parsed = parseUrl(each)
    return parsed ? [`${parsed.protocol}//${parsed.host}${parsed.pathname.replace(/^\/$/, '')}`] : []
  })
}

/** An address that is hardly a topic: `localhost:1883`, `10.0.0.1`, `broker.example.com:1883`, `[::1]:1883`. */
const ADDRESS = /^(?:\d+(?:\.\d+){3}(?::\d+)?|(?:localhost|[\w-]+(?:\.[\w-]+)+|\[[\da-f:]+\]):\d{1,5})$/i

/** A text that may be meant as the URL of a host, without anything that may be a secret. */
function hostOf(text: string): string {
  return /^[\w.:[\]-]+$/.test(text) ? text : 'localhost:1883'
}

function urlOfHost(host: string, port: string | undefined, { ca, cert, insecure }: ConnectionValues): string {
  if (port !== undefined && !(/^\d+$/.test(port) && Number(port) >= 1 && Number(port) <= 65_535)) {
    throw new UsageError(`--port must be a whole number between 1 and 65535, got '${port}'`)
  }
  // In a URL, an IPv6 address stands in brackets.
  const name = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host
  if (/[/@?#]/.test(name) || !parseUrl(`mqtt://${name}`)) {
    throw new UsageError('--host must be the name or the address of a host')
  }
  const isTls = port === '8883' || ca !== undefined || cert !== undefined || insecure === true
  return `${isTls ? 'mqtts' : 'mqtt'}://${name}${port === undefined ? '' : `:${port}`}`
}
