import { connackReason, hex } from '../../../src/api/reason-codes.ts'
import { FIRST_ERROR } from '../../../src/wire/packets.ts'
import { fault, type Finding, note, ok, warning } from '../finding.ts'
import { inWords, span } from '../words.ts'
import type { Version } from './packets.ts'
import { codeOf, isAboutVersion, type Trial } from './versions.ts'

interface Meaning {
  readonly cause: string
  readonly remedy: string
}

/** What of the client the remedies depend on. */
export interface Identity {
  readonly hasUsername: boolean
  readonly hasPassword: boolean
  readonly hasCertificate: boolean
  /** Whether the user chose the client id. */
  readonly hasClientId: boolean
  /** Whether others can read what is sent. */
  readonly isReadable: boolean
}

export const names: Readonly<Record<Version, string>> = { 4: 'MQTT 3.1.1', 5: 'MQTT 5' }

/** From here on connecting is slow. In milliseconds; the client gives up after 30 s. */
const SLOW = 5_000

export function versionFindings(trials: readonly Trial[], identity: Identity): readonly Finding[] {
  const findings = fromTrials(trials, identity)
  if (!identity.hasPassword || !identity.isReadable) return findings
  const text = 'The user name and the password are sent without encryption: everyone on the way can read them.'
  return [...findings, note('mqtt', 'plain-login', text)]
}

function fromTrials(trials: readonly Trial[], identity: Identity): readonly Finding[] {
  const taken = trials.filter((trial) => codeOf(trial) === 0)
  if (taken.length === 0) return failures(trials, identity)
  const told = taken.map(({ version, time }) => `${names[version]} (${span(time)})`)
  return [
    ok('mqtt', `The broker accepts the connection with ${told.join(' and with ')}.`),
    ...trials.filter((trial) => codeOf(trial) !== 0).map(notTaken),
    ...slow(taken),
  ]
}

/** The other version was taken, so this is no fault. */
function notTaken({ version, connack, failure }: Trial): Finding {
  const code = connack?.codes[0] ?? 0
  const how = failure ? inWords(failure) : `CONNACK ${shown(code, version)}`
  return note('mqtt', 'version', `The broker does not take ${names[version]}: ${how}.`)
}

function failures(trials: readonly Trial[], identity: Identity): readonly Finding[] {
  const refusals = trials.filter((trial) => !isAboutVersion(codeOf(trial) ?? 0x84))
  if (refusals.length > 0) return refusals.map((trial) => refused(trial, identity))
  const answered = trials.filter(({ connack }) => connack !== undefined)
  if (answered.length === trials.length) {
    const tried = trials.map(({ version }) => names[version]).join(' and ')
    const text = `The broker refuses ${tried}: ${answered.map((trial) => shown(codeOf(trial) ?? 0, trial.version)).join(', then ')}.`
    return [
      fault(
        'mqtt',
        'version',
        text,
        'Leave --protocol out, so that both versions are tried, or turn one on at the broker.',
      ),
    ]
  }
  return trials
    .filter(({ failure }) => failure !== undefined)
    .slice(0, 1)
    .map(unanswered)
}

function refused({ version, connack }: Trial, identity: Identity): Finding {
  const code = connack?.codes[0] ?? 0
  const { cause, remedy } = meaningOf(code, identity)
  const said = connack?.reasonString === undefined ? '' : `, “${connack.reasonString}”`
  return fault(
    'mqtt',
    `refused-${hex(code)}`,
    `The broker refuses the connection: ${shown(code, version)}${said}. The cause: ${cause}.`,
    `${remedy}.`,
  )
}

function unanswered({ failure, version }: Trial): Finding {
  const isSilent = failure?.kind === 'timeout'
  const how = failure ? inWords(failure) : ''
  return fault(
    'mqtt',
    isSilent ? 'no-connack' : 'closed',
    isSilent
      ? `No CONNACK came in time to a CONNECT of ${names[version]}: the broker hangs, or a proxy waits for a broker that does not answer.`
      : `The connection ended before the CONNACK of ${names[version]}: ${how}.`,
    'Look at the log of the broker, which says why it ends the connection, and at the backends of proxies in front of it. Some brokers and clouds close without a CONNACK if the login, the client id or the certificate is not allowed.',
  )
}

function slow(trials: readonly Trial[]): Finding[] {
  const longest = Math.max(...trials.map(({ time }) => time))
  if (longest < SLOW) return []
  return [
    warning(
      'mqtt',
      'slow',
      `Connecting takes ${span(longest)}: the broker, or what checks the login for it, is slow.`,
      'Look at the load of the broker. If it stays slow, raise timeouts.connectTimeout (30 s).',
    ),
  ]
}

function meaningOf(code: number, { hasUsername, hasPassword, hasCertificate, hasClientId }: Identity): Meaning {
  const login: Meaning = hasUsername
    ? {
        cause: hasPassword
          ? 'the user name or the password is wrong, or the account is not allowed to connect'
          : 'no password was given, or the account is not allowed to connect',
        remedy: hasPassword
          ? 'Check both with the operator of the broker. A token may have expired'
          : 'Give the password in MQTT_PASSWORD or --password-file, and in options.password',
      }
    : {
        cause: `the broker wants a login, and none was given${hasCertificate ? ' beside the certificate' : ''}`,
        remedy:
          'Give --username, and the password in MQTT_PASSWORD or --password-file; in options: username and password',
      }
  const known: Readonly<Record<number, Meaning>> = {
    0x02: idMeaning(hasClientId),
    0x03: busy,
    0x04: login,
    0x05: login,
    0x80: { cause: 'the broker does not say', remedy: 'Look at the log of the broker' },
    0x81: {
      cause: 'the broker, or something in between, cannot read the CONNECT',
      remedy: 'Look at the log of the broker',
    },
    0x82: { cause: 'the broker objects to something in the CONNECT', remedy: 'Look at the log of the broker' },
    0x83: { cause: 'a rule of this broker', remedy: 'Look at the log of the broker' },
    0x85: idMeaning(hasClientId),
    0x86: login,
    0x87: login,
    0x88: busy,
    0x89: busy,
    0x8a: {
      cause: 'the broker has banned this client, its user or its address',
      remedy: 'Ask the operator of the broker. A ban may follow many connections in a short time',
    },
    0x8c: {
      cause: 'the broker wants enhanced authentication, which the doctor does not do',
      remedy: 'See options.authentication, and the methods that the broker has',
    },
    0x95: { cause: 'the CONNECT is larger than the broker allows', remedy: 'Use a shorter user name or token' },
    0x97: {
      cause: 'a quota of the broker is used up',
      remedy: 'Raise the quota, or close other connections of this account',
    },
    0x9c: moved,
    0x9d: moved,
    0x9f: {
      cause: 'the broker allows fewer connections in a second',
      remedy: 'Connect less often, or raise its limit',
    },
  }
  return known[code] ?? { cause: 'the broker does not say', remedy: 'Look at the log of the broker' }
}

const busy: Meaning = {
  cause: 'the broker is starting, is overloaded, or does not serve this user or host',
  remedy: 'Try again later, and look at the log of the broker',
}

const moved: Meaning = {
  cause: 'the broker sends its clients to another server',
  remedy: 'Use the URL of that server, or options.redirect of the client',
}

function idMeaning(hasClientId: boolean): Meaning {
  return hasClientId
    ? {
        cause: 'the broker does not allow this client id',
        remedy: 'Ask the operator of the broker which ids are allowed',
      }
    : {
        cause: 'the broker does not allow the client id of the doctor, which is a random one',
        remedy:
          'Give one that is allowed and not in use with --client-id: a client that has it now would be disconnected',
      }
}

/** A code in words: of MQTT 3.1.1 if it is one, because some brokers answer MQTT 5 with such a code. */
function shown(code: number, version: Version): string {
  const words = connackReason(code, code < FIRST_ERROR ? 4 : version)
  return words.includes(hex(code)) ? words : `${words} (${code < FIRST_ERROR ? code : hex(code)})`
}
