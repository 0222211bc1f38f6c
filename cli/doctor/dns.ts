import { lookup as systemLookup } from 'node:dns/promises'
import { isIP } from 'node:net'

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

/** Resolves a name as the client does: with the hosts file and the name servers of the system. */
export type Lookup = (host: string, family: 4 | 6) => Promise<readonly string[]>

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
  const start = lab.clock.now()
  const answer = lookup(host, family).then(
    (addresses) => ({ addresses }),
    (error: NodeJS.ErrnoException) => ({ addresses: [], error: error.code ?? error.name }),
  )
  const found = await within(lab, `the IPv${family} addresses of ${host}`, 2 * lab.patience, answer)
  return { family, ...(found ?? { addresses: [], error: 'TIMEOUT' }), time: lab.clock.now() - start }
}

async function lookupInSystem(host: string, family: 4 | 6): Promise<readonly string[]> {
  const found = await systemLookup(host, { family, all: true })
  return found.map(({ address }) => address)
}
