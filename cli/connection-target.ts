import { isIP } from 'node:net'

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
 * @throws {UsageError} if the first one may be meant as a host, because it looks like one and no flag names the broker, or if
 *   the URL is not the first one
 */
export function splitOperands(
  operands: readonly string[],
  { url, host }: Pick<ConnectionValues, 'url' | 'host'>,
): { readonly url: string | undefined; readonly topics: readonly string[] } {
  const [first, ...others] = operands
  if (others.some(isUrl)) throw new UsageError('the URL must be the first argument, and there can be only one')
  if (first !== undefined && isUrl(first)) return { url: first, topics: others }
  // Not if a variable or a file names one: the argument may be meant to replace that.
  if (first !== undefined && url === undefined && host === undefined && isLikeHost(first)) {
    throw new UsageError(
      `'${first}' may be a host or a topic: for the host, give ${urlOfName(first)}; for the topic, --topic ${first}`,
    )
  }
  return { url: undefined, topics: operands }
}

/** The brokers of the options, without any secret. */
export function brokersOf(options: ResilientMqttClientOptions): readonly string[] {
  return urlsOf(options).flatMap((each) => {
    const parsed = parseUrl(each)
    return parsed ? [`${parsed.protocol}//${parsed.host}${parsed.pathname.replace(/^\/$/, '')}`] : []
  })
}

/** The URLs of the brokers of the options, as they are given. */
export function urlsOf({ url, servers, options }: ResilientMqttClientOptions): readonly string[] {
  const ofConnect = typeof options === 'object' ? options.url : undefined
  const listed = Array.isArray(servers)
    ? servers.map((each: string | { readonly url: string }) => (typeof each === 'string' ? each : each.url))
    : []
  return [ofConnect ?? url ?? listed].flat()
}

function isUrl(text: string): boolean {
  return text.includes('://')
}

/** `broker.example.com`, or with a port also `broker:1883`. Topics such as `sensor:12` and `10:30` have fewer digits. */
const HOST = /^(?:localhost|(?:[\p{L}\d_-]+\.)+(?:\p{L}{2,}|xn--[a-z\d-]+)|[\p{L}\d_.-]+(?=:\d{3}))(?::\d{1,5})?$/iu

/** Whether a text is an address, or has the form of the name of a host. */
function isLikeHost(text: string): boolean {
  const address = /^\[(.+)\](?::\d{1,5})?$/.exec(text)?.[1] ?? text.replace(/^([\d.]+):\d{1,5}$/, '$1')
  return isIP(address) !== 0 || HOST.test(text)
}

/** An IPv6 address stands in brackets. */
function urlOfName(text: string): string {
  return `mqtt://${isIP(text) === 6 ? `[${text}]` : text}`
}

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
