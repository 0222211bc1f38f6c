import { randomBytes } from 'node:crypto'
import { isIP } from 'node:net'

import { loginOf } from '../../src/config/login.ts'
import { checkFilter, checkTopic } from '../../src/config/topics.ts'
import { monotonicTime } from '../../src/shared/clock.ts'
import { defineCommand, unexpected, UsageError } from '../command.ts'
import { CONNECTION_NOTES, connectionFlags, refusedConnectionFlags } from '../connection-flags.ts'
import { type Connection, readConnection } from '../connection.ts'
import { parseCount, parseSeconds } from '../duration.ts'
import { print, printError, type Shell } from '../shell.ts'
import { Terminal } from '../terminal.ts'
import { adviceFrom, hintsFrom } from './advice.ts'
import type { Diagnosis, Examination } from './examination.ts'
import { examine } from './examine.ts'
import type { Closable, Lab, LabClock } from './lab.ts'
import { DEFAULT_LIMIT } from './packet-size.ts'
import { Progress } from './progress.ts'
import { asJson, printConclusion, printFinding } from './report.ts'
import { exitCodes, verdictOf } from './verdict.ts'
import { targetFor, urlOf } from './way.ts'

const {
  'will-topic': _topic,
  'will-payload': _payload,
  'will-qos': _qos,
  'will-retain': _retain,
  ...flags
} = connectionFlags

const options = {
  subscribe: {
    type: 'string',
    multiple: true,
    short: 't',
    value: '<filter>',
    description: 'a topic filter that the client subscribes to; can be given several times',
  },
  publish: {
    type: 'string',
    multiple: true,
    value: '<topic>',
    description:
      'a topic that the client publishes to; can be given several times. The doctor publishes to these topics and to no other, and never with retain',
  },
  'packet-size': {
    type: 'string',
    value: '<bytes>',
    description: 'the largest packet to try with --publish (1048576). It is never more than the broker announces',
  },
  idle: {
    type: 'boolean',
    description: 'also finds out after which silence something on the way ends a connection, within 5 minutes',
  },
  timeout: {
    type: 'string',
    value: '<time>',
    description: 'how long the server may take for one answer, such as 500ms or a number of seconds (5s)',
  },
  json: { type: 'boolean', description: 'prints a JSON document with findings, measurements and options' },
  ...flags,
} as const

export const doctor = defineCommand({
  options,
  operands: '<url>',
  refused: refusedConnectionFlags,
  notes: [
    CONNECTION_NOTES,
    '',
    'The doctor connects with client ids of its own and keeps no session, so that it disturbs no other client. Credentials are',
    'sent only where the client would send them: never over a connection whose certificate was not verified.',
    '',
    'Exit codes: 0: all is well. 1: it works, with warnings. 2: it does not work, a topic is refused, or the command line is',
    'wrong. 130: it was interrupted before a fault was found.',
  ].join('\n'),
  async run(values, operands, shell) {
    if (operands[1] !== undefined) throw unexpected(operands[1])
    const connection = readConnection(values, shell, { url: operands[0] })
    const url = theOnly(connection.options.url)
    for (const filter of values.subscribe ?? []) checkFilter(filter, '--subscribe')
    for (const topic of values.publish ?? []) checkTopic(topic, '--publish')
    const examination: Examination = {
      ...examinationOf(url, connection),
      subscribe: values.subscribe ?? [],
      publish: values.publish ?? [],
      packetSize: packetSizeOf(values['packet-size']),
      idle: values.idle ?? false,
    }
    const patience = values.timeout === undefined ? 5_000 : parseSeconds('--timeout', values.timeout)
    if (!(patience >= 100 && patience <= 120_000)) throw new UsageError('--timeout must be between 100ms and 2m')
    return runDoctor(examination, shell, { patience, json: values.json ?? false })
  },
})

/** Examines and prints. @returns the exit code */
async function runDoctor(
  examination: Examination,
  shell: Shell,
  { patience, json }: { readonly patience: number; readonly json: boolean },
): Promise<number> {
  const { stdout, stderr } = shell
  const { target, login, clientId, keepalive } = examination
  const terminal = new Terminal(json ? stderr : stdout)
  const progress = new Progress(terminal, (line) => printError(shell, `xstate-mqtt doctor ${line}`), clockOf(shell))
  const sockets = new Set<Closable>()
  const lab = labFor(shell, patience, progress, sockets)
  if (!json) terminal.whole(`${terminal.paint('bold', urlOf(target))}\n`)
  let diagnosis: Diagnosis
  try {
    diagnosis = await examine(lab, examination, (finding) => {
      if (!json) printFinding(terminal, stdout, finding)
    })
  } finally {
    for (const socket of sockets) socket.destroy()
  }
  const hasUsername = login.username !== undefined
  const given = { hasUsername, hasPassword: login.password !== undefined, clientId, keepalive }
  const conclusion = {
    advice: adviceFrom(target, diagnosis.observed, given),
    hints: hintsFrom(diagnosis.observed),
  }
  if (json) print(shell, asJson(urlOf(target), diagnosis, conclusion))
  else printConclusion(terminal, stdout, diagnosis, conclusion)
  return exitCodes[verdictOf(diagnosis)]
}

function clockOf({ clock }: Shell): LabClock {
  return {
    setTimeout: (callback, delay) => clock.setTimeout(callback, delay),
    clearTimeout: (id) => clock.clearTimeout(id),
    now: monotonicTime(clock, () => performance.now()),
  }
}

function labFor(shell: Shell, patience: number, { waiting }: Progress, sockets: Set<Closable>): Lab {
  const { signal } = shell.interruption()
  return {
    clock: clockOf(shell),
    today: () => Date.now(),
    signal,
    patience,
    waiting,
    // At most 23 letters and digits, which every broker allows (MQTT-3.1.3-5).
    newClientId: () => `doctor${randomBytes(8).toString('hex')}`,
    opened(socket) {
      sockets.add(socket)
      socket.once('close', () => sockets.delete(socket))
    },
  }
}

function examinationOf(url: string, { options: { options: connect }, tlsFiles }: Connection) {
  const { protocolVersion = 'auto', clientId, keepalive, wsOptions, tls = {}, socket } = connect
  if (socket !== undefined || wsOptions?.agent !== undefined) {
    throw new UsageError('the doctor goes the direct way: options.socket and options.wsOptions.agent are not supported')
  }
  const parsed = new URL(url)
  const target = targetFor(url, tls)
  return {
    target: { ...target, tlsFiles, host: isIP(target.host) ? target.host : target.host.toLowerCase() },
    login: loginOf(parsed, connect, undefined),
    headers: wsOptions?.headers ?? {},
    clientId: clientId === '' ? undefined : clientId,
    versions: protocolVersion === 'auto' ? ([5, 4] as const) : [protocolVersion],
    keepalive,
  }
}

/** @throws {UsageError} */
function theOnly(url: string | readonly string[] | undefined): string {
  const [first, ...others] = typeof url === 'string' ? [url] : (url ?? [])
  if (first === undefined) throw new UsageError('the URL of the broker is missing: xstate-mqtt doctor mqtt://localhost')
  if (others.length > 0) throw new UsageError('the config file has several servers: give the URL of one of them')
  return first
}

/** @throws {UsageError} */
function packetSizeOf(text: string | undefined): number {
  const bytes = text === undefined ? DEFAULT_LIMIT : parseCount('--packet-size', text)
  // The smallest is a PUBLISH with a long topic, the largest one of MQTT (§1.5.5).
  if (bytes >= 128 && bytes <= 268_435_460) return bytes
  throw new UsageError(`--packet-size must be between 128 and 268435460 bytes, got '${text}'`)
}
