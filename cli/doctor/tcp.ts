import type { Failure } from '../../machines/failure.ts'
import { type Finding, fault, note, ok, warning } from './finding.ts'
import type { Lab } from './lab.ts'
import { inUrl, openTcp } from './way.ts'
import { span } from './words.ts'

/** An attempt to open TCP to one address. */
export interface Contact {
  readonly address: string
  /** In milliseconds. */
  readonly time: number
  /** The code of the system if it failed; `TIMEOUT` if nothing answered. */
  readonly error?: string
}

/** More addresses are not tried. */
const MOST_ADDRESSES = 16

interface Cause {
  readonly name: string
  readonly says: string
  readonly remedy: string
}

const refused: Cause = {
  name: 'refused',
  says: 'the host refuses the connection: nothing listens on this port, or a firewall rejects it',
  remedy: 'Check that the broker runs, that it listens on this port and on this address, and the port of the URL',
}

const unreachable: Cause = {
  name: 'unreachable',
  says: 'there is no route to this address',
  remedy: 'Check the network of this device, and whether the address is still the right one',
}

const silent: Cause = {
  name: 'timeout',
  says: 'nothing answers: a firewall drops the packets, or no host has this address',
  remedy: 'Open the port in the firewalls on the way, also in those of the broker and of its cloud',
}

const causes: Readonly<Record<string, Cause>> = {
  ECONNREFUSED: refused,
  EHOSTUNREACH: unreachable,
  ENETUNREACH: unreachable,
  EADDRNOTAVAIL: unreachable,
  TIMEOUT: silent,
  ETIMEDOUT: silent,
  ECONNRESET: {
    name: 'reset',
    says: 'the connection is reset: a firewall or a proxy refuses it',
    remedy: 'Check the firewalls and proxies on the way',
  },
}

/** Opens TCP to each address, and closes it again. */
export async function measureTcp(lab: Lab, addresses: readonly string[], port: number): Promise<readonly Contact[]> {
  return Promise.all(
    addresses.slice(0, MOST_ADDRESSES).map(async (address) => {
      const start = lab.clock.now()
      const outcome = await openTcp(lab, { address, port })
      const time = lab.clock.now() - start
      if ('value' in outcome) outcome.value.destroy()
      return { address, time, ...('failure' in outcome && { error: codeOf(outcome.failure) }) }
    }),
  )
}

export function tcpFindings(port: number, contacts: readonly Contact[]): readonly Finding[] {
  const open = contacts.filter(({ error }) => error === undefined)
  const failed = contacts.filter(({ error }) => error !== undefined)
  const answered = open.map(({ address, time }) => `${inUrl(address)}:${port} (${span(time)})`)
  if (open.length > 0) {
    return [
      ok('tcp', `TCP connects to ${answered.join(', ')}.`),
      ...failed.map((contact) => onlySome(port, contact, open)),
    ]
  }
  return failed.map((contact) => {
    const { name, says, remedy } = causeOf(contact)
    return fault('tcp', name, `${place(port, contact)}: ${says} (${contact.error}).`, `${remedy}.`)
  })
}

/** One address failed, and others did not. */
function onlySome(port: number, contact: Contact, open: readonly Contact[]): Finding {
  const { name, says, remedy } = causeOf(contact)
  const isOtherFamily = open.every(({ address }) => address.includes(':') !== contact.address.includes(':'))
  if (name === 'unreachable' && isOtherFamily) {
    const family = contact.address.includes(':') ? 'IPv6' : 'IPv4'
    return note(
      'tcp',
      'no-family',
      `${place(port, contact)}: this device has no ${family} (${contact.error}), so the client uses the other addresses.`,
    )
  }
  return warning(
    'tcp',
    `some-${name}`,
    `${place(port, contact)}: ${says} (${contact.error}). The other addresses connect, so some attempts of the client take longer.`,
    `${remedy}. Or remove the address from DNS.`,
  )
}

function place(port: number, { address }: Contact): string {
  return `${inUrl(address)}:${port}`
}

function causeOf({ error = '' }: Contact): Cause {
  const says = `the connection fails with ${error}`
  return causes[error] ?? { name: 'failed', says, remedy: 'Check the network of this device' }
}

function codeOf(failure: Failure): string {
  if (failure.kind === 'timeout') return 'TIMEOUT'
  return 'code' in failure && failure.code !== undefined ? failure.code : failure.kind
}
