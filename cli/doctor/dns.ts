import { execFile } from 'node:child_process'
import { isIP } from 'node:net'
import { promisify } from 'node:util'

import { type Finding, fault, note, ok, warning } from './finding.ts'
import { type Lab, within } from './lab.ts'
import { span } from './words.ts'

/** The answer for one family of addresses. */
export interface Family {
  readonly family: 4 | 6
  readonly addresses: readonly string[]
  /** Node's code if there are none; `TIMEOUT` if no answer came. */
  readonly error?: string
  /** In milliseconds. */
  readonly time: number
}

/**
 * Resolves a name as the client does: with the hosts file and the name servers of the system.
 *
 * @param signal - aborts when the answer is not waited for any longer
 */
export type Lookup = (host: string, family: 4 | 6, signal: AbortSignal) => Promise<Answer>

export interface Answer {
  readonly addresses: readonly string[]
  readonly error?: string
  /** In milliseconds. */
  readonly time: number
}

/** From here on a lookup is slow: each attempt to connect waits for it. In milliseconds. */
const SLOW = 1_000

/** Resolves the name for both families. An address is not resolved. */
export async function measureDns(
  lab: Lab,
  host: string,
  lookup: Lookup = lookupInSystem,
): Promise<readonly Family[] | undefined> {
  if (isIP(host) !== 0) return undefined
  return Promise.all(([4, 6] as const).map((family) => measureFamily(lab, host, family, lookup)))
}

/** The addresses in the order in which they are tried. */
export function addressesOf(families: readonly Family[] | undefined, host: string): readonly string[] {
  return families ? families.flatMap(({ addresses }) => addresses) : [host]
}

export function dnsFindings(host: string, families: readonly Family[] | undefined): readonly Finding[] {
  if (!families) return [note('dns', 'address', `The URL has the address ${host}, so there is no name to resolve.`)]
  const found = families.filter(({ addresses }) => addresses.length > 0)
  if (found.length === 0) return [notFound(host, families)]
  const told = families.map(
    ({ family, addresses, time }) => `IPv${family}: ${addresses.join(', ') || 'none'} (${span(time)})`,
  )
  const slow = families.filter(({ time }) => time >= SLOW)
  const resolved = ok('dns', `${host} resolves to ${told.join('; ')}.`)
  if (slow.length === 0) return [resolved]
  const names = slow
    .map(({ family, error }) => `IPv${family}${error === 'TIMEOUT' ? ' (no answer)' : ''}`)
    .join(' and ')
  const seconds = (Math.max(...slow.map(({ time }) => time)) / 1_000).toFixed(1)
  return [
    resolved,
    warning(
      'dns',
      'slow',
      `The lookup of ${names} takes ${seconds} s, because a name server answers late or not at all. Each attempt to connect waits for it.`,
      'Ask the name servers of this device one by one (/etc/resolv.conf), and remove the one that does not answer.',
    ),
  ]
}

function notFound(host: string, families: readonly Family[]): Finding {
  const errors = families.map(({ error }) => error)
  if (errors.includes('TIMEOUT')) {
    return fault(
      'dns',
      'timeout',
      `No name server answered the lookup of ${host} in time: this device has no network, or its name servers are not reachable.`,
      'Check the network and the name servers of this device (/etc/resolv.conf).',
    )
  }
  if (errors.includes('EAI_AGAIN')) {
    return fault(
      'dns',
      'unreachable',
      `The name server could not answer the lookup of ${host} (EAI_AGAIN): this device has no network, or its name servers are not reachable.`,
      'Check the network and the name servers of this device (/etc/resolv.conf).',
    )
  }
  return fault(
    'dns',
    'not-found',
    `The name ${host} has no address (${errors.find((error) => error !== undefined) ?? 'ENODATA'}): it is misspelt, or only another network knows it.`,
    'Correct the host of the URL, or connect this device to the network or VPN that knows the name.',
  )
}

async function measureFamily(lab: Lab, host: string, family: 4 | 6, lookup: Lookup): Promise<Family> {
  const atMost = 2 * lab.patience
  const over = new AbortController()
  try {
    const answer = lookup(host, family, over.signal)
    // It rejects when it is aborted.
    answer.catch(() => {})
    const found = await within(lab, `the IPv${family} addresses of ${host}`, atMost, answer)
    return { family, ...(found ?? { addresses: [], error: 'TIMEOUT', time: atMost }) }
  } finally {
    over.abort()
  }
}

/** Prints an `Answer`. */
const PROGRAM = `
const [, host, family] = process.argv
const start = performance.now()
require('node:dns').lookup(host, { family: Number(family), all: true }, (error, found = []) => {
  const addresses = found.map(({ address }) => address)
  const answer = { addresses, time: performance.now() - start, ...(error && { error: error.code }) }
  process.stdout.write(JSON.stringify(answer))
})`

/** In a process of its own: a lookup of the system can't be cancelled, and a process does not end while it lasts. */
async function lookupInSystem(host: string, family: 4 | 6, signal: AbortSignal): Promise<Answer> {
  const { NODE_OPTIONS: _, ...env } = process.env
  const args = ['-e', PROGRAM, host, String(family)]
  const options = { signal, env, killSignal: 'SIGKILL', windowsHide: true } as const
  const { stdout } = await promisify(execFile)(process.execPath, args, options)
  return JSON.parse(stdout) as Answer
}
