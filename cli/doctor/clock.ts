import { count } from '../count.ts'
import { type Finding, note, ok, warning } from './finding.ts'
import type { Certificate } from './tls/certificate.ts'
import { date, span } from './words.ts'

/** The time of a server, from the header `date` of an answer in HTTP. */
export interface ServerTime {
  readonly server: number
  /** What the clock of this device said then. */
  readonly here: number
}

/** The header has whole seconds, and the answer takes its time. From here on the clocks differ. In milliseconds. */
const DIFFERS = 5_000

/** From here on, tokens that are valid for minutes fail. In milliseconds. */
const HARMS = 60_000

/** Before this moment, this program did not exist. */
const EARLIEST = Date.UTC(2026, 10, 1)

/** Compares the clock of this device with the time of the server, else with the validity of its certificate. */
export function clockFindings(
  now: number,
  time: ServerTime | undefined,
  certificate: Certificate | undefined,
): readonly Finding[] {
  if (now < EARLIEST) {
    return [
      warning(
        'clock',
        'past',
        `The clock of this device says ${date(now)}, which is before this program was written. With such a clock, certificates and tokens are refused.`,
        'Set the clock of this device, for example by NTP.',
      ),
    ]
  }
  if (time) return [compared(time)]
  if (!certificate) return []
  const { from, until } = certificate
  if (now < from || now > until) {
    const [way, by] = now < from ? ['slow', from - now] : ['fast', now - until]
    return [
      note(
        'clock',
        'certificate',
        `The clock of this device says ${date(now)}, outside the validity of the certificate (${date(from)} to ${date(until)}). If the certificate is right, the clock is ${way} by at least ${inDays(by)}.`,
      ),
    ]
  }
  return [
    note(
      'clock',
      'certificate',
      `The clock of this device says ${date(now)}, within the validity of the certificate. Whether it is exact is not known: only an answer in HTTP has the time of the server.`,
    ),
  ]
}

function compared({ server, here }: ServerTime): Finding {
  const difference = Math.abs(here - server)
  if (difference < DIFFERS) return ok('clock', 'The clock of this device agrees with that of the server.')
  const way = here > server ? 'ahead of' : 'behind'
  const text = `The clock of this device is ${inDays(difference)} ${way} that of the server.`
  if (difference < HARMS) return note('clock', 'differs', text)
  return warning(
    'clock',
    'wrong',
    `${text} Certificates and tokens may be refused as expired, or as not valid yet.`,
    'Set the clock that is wrong, for example by NTP.',
  )
}

function inDays(milliseconds: number): string {
  const days = milliseconds / 86_400_000
  if (days >= 2) return count(Math.floor(days), 'day')
  if (days >= 1 / 12) return `${Math.floor(days * 24)} hours`
  return milliseconds >= 120_000 ? `${Math.floor(milliseconds / 60_000)} minutes` : span(milliseconds)
}
