import { fittingScheme, isDowngrade } from './first-bytes.ts'
import { keepAliveOf, fittingKeepAlive } from './idle-findings.ts'
import { announcedTo, type Observed, versionOf } from './observed.ts'
import { isOfUnknownCa } from './tls/findings.ts'
import type { TlsMeasurement } from './tls/measure.ts'
import { type Target, urlOf } from './way.ts'
import { size, span } from './words.ts'

const READ_FILE = 'readFileSync'

/** What the client was given beside the URL. */
export interface Given {
  readonly hasUsername: boolean
  readonly hasPassword: boolean
  readonly clientId?: string | undefined
  /** In milliseconds. */
  readonly keepalive?: number | undefined
}

/** One line of the client's options. */
export interface Advice {
  /** `url`, or an option of `options`, such as `tls.servername`. */
  readonly option: string
  /** A value of JSON; left out if it is a secret or a file. */
  readonly value?: string | number
  /** The value as code. */
  readonly code: string
  readonly why?: string
}

/** What to put into the client's options, by what was measured so far. */
export function adviceFrom(target: Target, observed: Observed, given: Given): readonly Advice[] {
  return [
    url(target, observed),
    ...version(observed),
    ...login(given),
    ...keepAlive(target, observed, given),
    ...tls(target, observed),
  ]
}

/** Things to know that are no options. */
export function hintsFrom(observed: Observed): readonly string[] {
  const { packetSize } = observed
  const properties = announcedTo(observed)
  return [
    packetSize?.stopped && `Keep messages below ${size(packetSize.largest)}: larger ones do not go through.`,
    properties?.maximumQoS !== undefined &&
      properties.maximumQoS < 2 &&
      `Publish with QoS ${properties.maximumQoS} at most.`,
    properties?.retainAvailable === false && 'Do not publish with retain.',
  ].filter((each) => typeof each === 'string')
}

/** The options as code. */
export function render(advice: readonly Advice[], hints: readonly string[]): readonly string[] {
  const [own, nested, tlsOptions] = [
    advice.filter(({ option }) => option === 'url'),
    advice.filter(({ option }) => option !== 'url' && !option.startsWith('tls.')),
    advice.filter(({ option }) => option.startsWith('tls.')),
  ]
  const line = (indent: string) => (each: Advice) => {
    const why = each.why === undefined ? '' : ` // ${each.why}`
    return `${indent}${each.option.replace(/^tls\./, '')}: ${each.code},${why}`
  }
  const isEmpty = nested.length === 0 && tlsOptions.length === 0
  const readsFiles = tlsOptions.some(({ code }) => code.startsWith(READ_FILE))
  return [
    ...(readsFiles ? [`import { ${READ_FILE} } from 'node:fs'`, ''] : []),
    ...hints.map((hint) => `// ${hint}`),
    'new ResilientMqttClient({',
    ...own.map(line('  ')),
    ...(isEmpty ? [] : ['  options: {']),
    ...nested.map(line('    ')),
    ...(tlsOptions.length > 0 ? ['    tls: {', ...tlsOptions.map(line('      ')), '    },'] : []),
    ...(isEmpty ? [] : ['  },']),
    '})',
  ]
}

/** The options for `--json`, without secrets and files. */
export function asObject(advice: readonly Advice[]): object {
  const result: { url?: unknown; options: Record<string, unknown> & { tls?: Record<string, unknown> } } = {
    options: {},
  }
  for (const { option, value } of advice) {
    if (value === undefined) continue
    if (option === 'url') result.url = value
    else if (option.startsWith('tls.')) (result.options.tls ??= {})[option.slice('tls.'.length)] = value
    else result.options[option] = value
  }
  return result
}

function url(target: Target, { heard }: Observed): Advice {
  const fitting = (heard && fittingScheme(target, heard)) ?? target.scheme
  if (isDowngrade(target, fitting)) {
    const value = urlOf(target)
    return { option: 'url', value, code: quoted(value), why: 'with the port of the server for TLS' }
  }
  const value = urlOf(target, { scheme: fitting, path: heard?.path ?? target.path })
  return {
    option: 'url',
    value,
    code: quoted(value),
    ...(fitting !== target.scheme && { why: 'what the server speaks' }),
  }
}

function version(observed: Observed): Advice[] {
  const best = versionOf(observed)
  if (best === undefined) return []
  const why = best === 5 ? 'the broker takes MQTT 5' : 'the broker takes MQTT 3.1.1 only'
  return [{ option: 'protocolVersion', value: best, code: String(best), why }]
}

function login({ hasUsername, hasPassword, clientId }: Given): Advice[] {
  const advice: Advice[] = []
  if (clientId !== undefined) advice.push({ option: 'clientId', value: clientId, code: quoted(clientId) })
  if (hasUsername) advice.push({ option: 'username', code: 'process.env.MQTT_USERNAME' })
  if (hasPassword) advice.push({ option: 'password', code: 'process.env.MQTT_PASSWORD' })
  return advice
}

function keepAlive(target: Target, { idle }: Observed, { keepalive }: Given): Advice[] {
  const current = keepalive ?? keepAliveOf(target)
  const fitting = idle && fittingKeepAlive(idle)
  if (fitting !== undefined && (current === 0 || current > fitting)) {
    const why = `silent connections end after ${span(idle?.ended?.after ?? 0)}`
    return [{ option: 'keepalive', value: fitting, code: String(fitting), why }]
  }
  return keepalive === undefined ? [] : [{ option: 'keepalive', value: keepalive, code: String(keepalive) }]
}

function tls({ tls: options, tlsFiles = {} }: Target, { tls: measured }: Observed): Advice[] {
  const { ca, cert, key, pfx, passphrase, servername, rejectUnauthorized } = options
  const files = [
    ['ca', ca],
    ['cert', cert],
    ['key', key],
    ['pfx', pfx],
  ] as const
  return [
    ...files
      .filter(([, value]) => value !== undefined)
      .map(([name]) =>
        name === 'ca' && measured && isOfUnknownCa(measured) ? otherCa(measured) : file(name, tlsFiles[name]),
      ),
    ...(passphrase === undefined ? [] : [{ option: 'tls.passphrase', code: 'process.env.MQTT_PASSPHRASE' }]),
    ...(servername === undefined ? [] : [{ option: 'tls.servername', value: servername, code: quoted(servername) }]),
    ...(rejectUnauthorized === false
      ? [{ option: 'tls.rejectUnauthorized', code: 'true', why: 'the given false is not safe' }]
      : []),
  ]
}

/** Instead of a file that was given, and is not the right one. */
function otherCa({ chain }: TlsMeasurement): Advice {
  const issuer = chain.at(-1)?.issuer
  return { option: 'tls.ca', code: `${READ_FILE}('…')`, why: `the CA of the server${issuer ? `: ${issuer}` : ''}` }
}

/** @param path - unknown if the config file has the contents itself, or several files */
function file(name: string, path: string | undefined): Advice {
  const option = `tls.${name}`
  if (path !== undefined) return { option, code: `${READ_FILE}(${quoted(path)})` }
  return { option, code: `${READ_FILE}('…')`, why: 'what the config file has' }
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", String.raw`\'`)}'`
}
