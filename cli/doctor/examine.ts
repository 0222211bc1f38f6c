import { clockFindings, type ServerTime } from './clock.ts'
import { addressesOf, dnsFindings, measureDns } from './dns.ts'
import type { Diagnosis, Examination, Notes } from './examination.ts'
import { type Check, checks, type Finding, note } from './finding.ts'
import { firstBytesFindings, type Heard } from './first-bytes.ts'
import { Interrupted, type Lab } from './lab.ts'
import { versionFindings } from './mqtt/connack.ts'
import type { Route } from './mqtt/dial.ts'
import { limitFindings } from './mqtt/limits.ts'
import type { Version } from './mqtt/packets.ts'
import { measureVersions } from './mqtt/versions.ts'
import { announcedTo, versionOf } from './observed.ts'
import { listenInTls, listenOnTcp, type Speech } from './speech.ts'
import { measureTcp, tcpFindings } from './tcp.ts'
import { isThrough, tlsFindings } from './tls/findings.ts'
import { measureTls } from './tls/measure.ts'
import { examineTraffic } from './traffic.ts'
import { isSecure, isWebSocket, type Way } from './way.ts'
import { findPath, isOpen, measureUpgrade, noUpgrade, upgradeFindings } from './websocket.ts'

/**
 * Goes the way of a client, check by check, up to the first that stops a client.
 *
 * @param tell - gets each finding at once
 */
export async function examine(
  lab: Lab,
  examination: Examination,
  tell: (finding: Finding) => void,
): Promise<Diagnosis> {
  const findings: Finding[] = []
  const notes: Notes = {
    observed: {},
    add(found) {
      for (const finding of found) {
        findings.push(finding)
        tell(finding)
      }
    },
  }
  let isInterrupted = false
  try {
    await walk(lab, examination, notes)
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error
    isInterrupted = true
  }
  const reached = new Set(findings.map(({ check }) => check))
  const notChecked = plannedFor(examination).filter((check) => !reached.has(check))
  return { findings, observed: notes.observed, notChecked, isInterrupted }
}

/** The checks of an examination, if nothing stops it. */
function plannedFor({ target, subscribe, publish, idle }: Examination): readonly Check[] {
  const planned: Readonly<Partial<Record<Check, boolean>>> = {
    tls: isSecure(target),
    clock: isSecure(target),
    websocket: isWebSocket(target),
    subscribe: subscribe.length > 0,
    publish: publish.length > 0,
    'packet-size': publish.length > 0,
    idle,
  }
  return (Object.keys(checks) as Check[]).filter((check) => planned[check] ?? true)
}

async function walk(lab: Lab, examination: Examination, notes: Notes): Promise<void> {
  const way = await findWay(lab, examination, notes)
  if (!way) return
  if (isSecure(way) && !(await passTls(lab, way, notes))) return
  const passed = isWebSocket(way)
    ? await passUpgrade(lab, examination, way, notes)
    : await passFirstBytes(lab, way, notes)
  if (!passed) return
  const { login, headers, clientId, versions } = examination
  const route: Route = { way, login, headers, clientId }
  if (!(await passConnect(lab, route, versions, notes))) return
  await examineTraffic(lab, examination, route, notes)
}

/** Up to an address on which TCP connects. */
async function findWay(lab: Lab, { target, lookup }: Examination, notes: Notes): Promise<Way | undefined> {
  const families = await measureDns(lab, target.host, lookup)
  if (families) notes.observed = { ...notes.observed, dns: families }
  notes.add(dnsFindings(target.host, families))
  const addresses = addressesOf(families, target.host)
  if (addresses.length === 0) return undefined
  const contacts = await measureTcp(lab, addresses, target.port)
  notes.observed = { ...notes.observed, tcp: contacts }
  notes.add(tcpFindings(target.port, contacts))
  const open = contacts.find(({ error }) => error === undefined)
  return open && { ...target, address: open.address }
}

async function passTls(lab: Lab, way: Way, notes: Notes): Promise<boolean> {
  const measured = await measureTls(lab, way)
  notes.observed = { ...notes.observed, tls: measured }
  const passed = isThrough(way, measured)
  // If there was no handshake at all, the server may speak something else.
  if (!passed && measured.version === undefined && measured.asksForCertificate === undefined && !measured.oldVersion) {
    const heard = { tcp: await listenOnTcp(lab, way, ['mqtt', 'http']) }
    if (heard.tcp.speaks !== 'nothing') {
      await addFirstBytes(lab, way, heard, notes)
      return false
    }
  }
  const now = lab.today()
  notes.add(tlsFindings(way, measured, now))
  // A WebSocket upgrade has the time of the server, which says more.
  if (!passed || !isWebSocket(way)) notes.add(clockFindings(now, undefined, measured.chain[0]))
  return passed
}

async function passUpgrade(lab: Lab, { headers }: Examination, way: Way, notes: Notes): Promise<boolean> {
  const outcome = await measureUpgrade(lab, way, headers)
  if ('failure' in outcome) {
    const heard: Heard = isSecure(way)
      ? { tls: await listenInTls(lab, way, ['http', 'mqtt']) }
      : { tcp: await listenOnTcp(lab, way, ['http', 'mqtt', 'tls']) }
    await addFirstBytes(lab, way, heard, notes)
    // It speaks HTTP, as it should, and answers everything but the upgrade.
    if ((heard.tls ?? heard.tcp)?.speaks === 'http') notes.add([noUpgrade(outcome.failure)])
    return false
  }
  const { value: upgrade } = outcome
  const speech: Speech = { speaks: 'http' }
  const path = isOpen(upgrade) || upgrade.status === 401 ? undefined : await findPath(lab, way)
  const heard: Heard = { ...(isSecure(way) ? { tls: speech } : { tcp: speech }), ...(path !== undefined && { path }) }
  notes.observed = { ...notes.observed, upgrade, heard }
  notes.add(firstBytesFindings(way, heard))
  const here = lab.today()
  const time: ServerTime | undefined = upgrade.date === undefined ? undefined : { server: upgrade.date, here }
  notes.add(clockFindings(here, time, notes.observed.tls?.chain[0]))
  notes.add(upgradeFindings(way, upgrade, path))
  return isOpen(upgrade)
}

/** Stops only if the server speaks something else: some brokers answer no client without a login. */
async function passFirstBytes(lab: Lab, way: Way, notes: Notes): Promise<boolean> {
  const heard: Heard = isSecure(way)
    ? { tls: await listenInTls(lab, way, ['mqtt', 'http']) }
    : { tcp: await listenOnTcp(lab, way, ['mqtt', 'tls', 'http']) }
  const { speaks } = heard.tls ?? heard.tcp ?? { speaks: 'nothing' }
  if (speaks === 'nothing') {
    notes.observed = { ...notes.observed, heard }
    return true
  }
  await addFirstBytes(lab, way, heard, notes)
  return speaks === 'mqtt'
}

async function addFirstBytes(lab: Lab, way: Way, heard: Heard, notes: Notes): Promise<void> {
  const speech = heard.tls ?? heard.tcp
  const isPage = speech?.speaks === 'http'
  const path = isPage ? await findPath(lab, { ...way, scheme: heard.tls ? 'wss' : 'ws' }) : undefined
  const all = { ...heard, ...(path !== undefined && { path }) }
  notes.observed = { ...notes.observed, heard: all }
  notes.add(firstBytesFindings(way, all))
  if (speech?.date !== undefined) {
    notes.add(clockFindings(lab.today(), { server: speech.date, here: lab.today() }, undefined))
  }
}

async function passConnect(lab: Lab, route: Route, versions: readonly Version[], notes: Notes): Promise<boolean> {
  const { way, login, clientId } = route
  const trials = await measureVersions(lab, route, versions)
  notes.observed = { ...notes.observed, trials }
  const { heard } = notes.observed
  const speech = heard?.tls ?? heard?.tcp
  const version = versionOf(notes.observed)
  if (speech?.speaks === 'nothing') {
    if (trials.every(({ connack }) => connack === undefined)) {
      notes.add(firstBytesFindings(way, heard ?? {}))
      return false
    }
    const text = 'The server speaks MQTT. It does not answer a CONNECT without a login.'
    notes.add([note('first-bytes', 'only-login', text)])
  }
  notes.add(
    versionFindings(trials, {
      hasUsername: login.username !== undefined,
      hasPassword: login.password !== undefined,
      hasCertificate: way.tls.cert !== undefined || way.tls.pfx !== undefined,
      hasClientId: clientId !== undefined,
      isReadable: !isSecure(way) && !isLoopback(way.address),
    }),
  )
  if (speech?.connack === 0 && login.username !== undefined) {
    const text = 'The broker also accepts clients without a user name.'
    notes.add([note('mqtt', 'anonymous', text)])
  }
  if (version === undefined) return false
  notes.add(limitFindings(version, announcedTo(notes.observed)))
  return true
}

function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1'
}
