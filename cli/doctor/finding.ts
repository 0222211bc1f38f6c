/** The checks, in the order of the way from the name of the server to an answer of the broker, with their titles. */
export const checks = {
  dns: 'DNS',
  tcp: 'TCP',
  tls: 'TLS',
  clock: 'clock',
  'first-bytes': 'first bytes',
  websocket: 'WebSocket',
  mqtt: 'MQTT',
  limits: 'limits',
  subscribe: 'SUBSCRIBE',
  publish: 'PUBLISH',
  'round-trip': 'round trip',
  'packet-size': 'packet size',
  idle: 'idle',
} as const

export type Check = keyof typeof checks

interface Said {
  readonly check: Check
  /** A stable name for scripts, such as `tls.expired`. */
  readonly code: string
  /** A sentence: what was seen, with its cause. */
  readonly text: string
}

/** What a check found out. `ok` and `note` are no reason to act; a warning and a fault always say what to do. */
export type Finding =
  | (Said & { readonly level: 'ok' | 'note' })
  | (Said & {
      /** With a warning, the connection works. With a fault, it does not, or a topic that was asked for is refused. */
      readonly level: 'warning' | 'fault'
      readonly remedy: string
    })

export type Level = Finding['level']

export function ok(check: Check, text: string): Finding {
  return { check, level: 'ok', code: `${check}.ok`, text }
}

export function note(check: Check, name: string, text: string): Finding {
  return { check, level: 'note', code: `${check}.${name}`, text }
}

export function warning(check: Check, name: string, text: string, remedy: string): Finding {
  return { check, level: 'warning', code: `${check}.${name}`, text, remedy }
}

export function fault(check: Check, name: string, text: string, remedy: string): Finding {
  return { check, level: 'fault', code: `${check}.${name}`, text, remedy }
}
