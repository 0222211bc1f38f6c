import mqtt from 'mqtt'
import { get } from 'sparkplug-payload'
import { expect, onTestFinished, test } from 'vitest'

import { createEmbeddedBroker, type EmbeddedBroker } from '../../testing/index.ts'
import { until } from '../support/event-loop.ts'
import { run, start } from './run.ts'

const sparkplug = get('spBv1.0')
if (!sparkplug) throw new Error('sparkplug-payload does not know spBv1.0')

/** The client id of the edge node. */
const NODE = 'factory-oven'

/** What a host application gets from an edge node, or that either of them lost the broker. */
type Heard = 'outage' | { readonly type: string; readonly seq: number | undefined; readonly metrics: Metrics }
type Metrics = Readonly<Record<string, { readonly value: unknown; readonly historical: boolean }>>

test('sparkplug-edge-node: a host application sees births and deaths in order over outages', async () => {
  await using broker = await createEmbeddedBroker()
  // The broker sees every message, a host only those while it is connected.
  const all: Heard[] = []
  broker.onPublish(({ topic, payload, clientId }) => clientId === NODE && all.push(heard(topic, payload)))
  const host = await hostApplication(broker)
  const births = () => of(all, 'NBIRTH').length
  const born = async (n: number) => {
    await until(() => births() >= n, `birth ${n}`)
    const known = all.length
    await until(() => all.length > known + 5, 'data after it')
  }

  const example = start('examples/sparkplug-edge-node.ts', [broker.url], { env: { INTERVAL: '2' } })
  await until(() => of(host.heard, 'NDATA').some(({ seq }) => seq === 255), 'the highest seq', 20_000)

  broker.kick(NODE)
  await born(2)

  await broker.stop()
  all.push('outage')
  await broker.start()
  await born(3)

  // It has missed the birth, so it asks for another.
  await host.online()
  host.requestRebirth()
  await born(4)

  broker.kick(NODE)
  await born(5)

  example.kill('SIGINT')
  const { code, stderr } = await example.ended
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  await until(() => of(host.heard, 'NDEATH').length === 3, 'the last death')

  for (const messages of [all, host.heard]) expect(violations(messages, messages === host.heard)).toEqual([])
  const bdSeqs = of(all, 'NBIRTH').map(bdSeqOf)
  expect([bdSeqs[0], bdSeqs[1], bdSeqs[3]]).toEqual([0, 1, bdSeqs[2]])
  expect(of(host.heard, 'NDEATH').map(bdSeqOf)).toEqual([0, bdSeqs[3], bdSeqs[4]])
  expect(new Set(bdSeqs).size, 'only a rebirth has the bdSeq of the birth before it').toBe(4)
  const late = of(all, 'NDATA').filter(({ metrics }) => metrics['temperature']?.historical)
  expect(late.length, 'readings of the outages').toBeGreaterThan(0)
})

test('sparkplug-edge-node: what is measured during an outage follows the next birth', async () => {
  const { code, stdout, stderr } = await run('examples/sparkplug-edge-node.ts')
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout.split('\n').filter((line) => !line.includes('NDATA seq=1 temperature=181.5'))).toEqual([
    'NBIRTH seq=0 bdSeq=0, Node Control/Rebirth=false, temperature=null',
    'the connection is cut',
    'NDEATH seq=none bdSeq=0',
    'NBIRTH seq=0 bdSeq=1, Node Control/Rebirth=false, temperature=181.5',
    'the broker is stopped',
    expect.stringMatching(/^NBIRTH seq=0 bdSeq=\d+, Node Control\/Rebirth=false, temperature=182.5$/),
    'NDATA seq=1 temperature=182 (historical), temperature=182.5 (historical)',
    'a host application asks for a rebirth',
    expect.stringMatching(/^NBIRTH seq=0 bdSeq=\d+, Node Control\/Rebirth=false, temperature=182.5$/),
    expect.stringMatching(/^NDEATH seq=none bdSeq=\d+$/),
    '',
  ])
})

test('home-assistant: discovery, availability, commands and state', async () => {
  await using broker = await createEmbeddedBroker()
  const homeAssistant = await subscriber(broker, ['homeassistant/#', 'garden-pump/#'])
  const last = (topic: string) => homeAssistant.messages.findLast((message) => message.topic === topic)?.text
  const count = (topic: string, text: string) =>
    homeAssistant.messages.filter((message) => message.topic === topic && message.text === text).length
  const online = (n: number) => until(() => count('garden-pump/availability', 'online') === n, `online ${n}`)

  const example = start('examples/home-assistant.ts', [broker.url])
  await until(() => last('garden-pump/availability') === 'online', 'the birth', 20_000)
  const discovery = last('homeassistant/device/garden_pump/config') ?? ''
  expect(JSON.parse(discovery)).toMatchObject({
    device: { identifiers: ['garden_pump'] },
    origin: { name: expect.any(String) },
    availability_topic: 'garden-pump/availability',
    components: {
      power: { platform: 'switch', unique_id: 'garden_pump_power', command_topic: 'garden-pump/power/set' },
      flow: { platform: 'sensor', unique_id: 'garden_pump_flow' },
    },
  })
  expect(homeAssistant.messages.map(({ topic }) => topic)).toEqual([
    'homeassistant/device/garden_pump/config',
    'garden-pump/state',
    'garden-pump/availability',
  ])

  homeAssistant.client.publish('garden-pump/power/set', 'ON', { qos: 1 })
  await until(() => last('garden-pump/state')?.includes('"power":"ON"') === true, 'the new state')

  homeAssistant.client.publish('homeassistant/status', 'online')
  await online(2)
  expect(count('homeassistant/device/garden_pump/config', discovery)).toBe(2)

  broker.kick('garden-pump')
  await online(3)
  expect(count('garden-pump/availability', 'offline')).toBe(1)

  const late = await subscriber(broker, ['homeassistant/#', 'garden-pump/#'])
  await until(() => late.messages.length === 3, 'the retained messages')
  expect(late.messages).toEqual(
    expect.arrayContaining([
      { topic: 'homeassistant/device/garden_pump/config', text: discovery },
      { topic: 'garden-pump/state', text: '{"power":"ON","flow":12.5}' },
      { topic: 'garden-pump/availability', text: 'online' },
    ]),
  )

  example.kill('SIGINT')
  const { code, stderr } = await example.ended
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  await until(() => last('garden-pump/availability') === 'offline', 'the death')
})

test('home-assistant: a broker without its retained messages gets them again', async () => {
  const { code, stdout, stderr } = await run('examples/home-assistant.ts')
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const [, afterwards = ''] = stdout.split('the broker is restarted')
  expect(afterwards).toContain('homeassistant/device/garden_pump/config: {"device"')
  expect(afterwards).toContain('garden-pump/state: {"power":"OFF","flow":0}')
  expect(afterwards).not.toContain('"power":"ON"')
  expect(afterwards.trimEnd().endsWith('garden-pump/availability: offline')).toBe(true)
})

/** A plain MQTT.js client with what it got. */
async function subscriber(broker: EmbeddedBroker, filters: string[]) {
  const client = await mqtt.connectAsync(broker.url, { reconnectPeriod: 20 })
  onTestFinished(() => client.endAsync(true))
  const messages: { readonly topic: string; readonly text: string }[] = []
  client.on('message', (topic, payload) => messages.push({ topic, text: payload.toString() }))
  await client.subscribeAsync(filters, { qos: 1 })
  return { client, messages }
}

async function hostApplication(broker: EmbeddedBroker) {
  const client = await mqtt.connectAsync(broker.url, { reconnectPeriod: 20, resubscribe: false })
  onTestFinished(() => client.endAsync(true))
  const messages: Heard[] = []
  let subscribed = false
  client.on('message', (topic, payload) => messages.push(heard(topic, payload)))
  client.on('close', () => {
    subscribed = false
    messages.push('outage')
  })
  const subscribe = () =>
    client.subscribe(['spBv1.0/factory/NBIRTH/+', 'spBv1.0/factory/NDATA/+', 'spBv1.0/factory/NDEATH/+'], () => {
      subscribed = true
    })
  client.on('connect', subscribe)
  subscribe()
  const online = () => until(() => subscribed, 'the subscriptions of the host')
  await online()
  return {
    heard: messages,
    online,
    requestRebirth() {
      const metrics = [{ name: 'Node Control/Rebirth', type: 'Boolean' as const, value: true }]
      const payload = sparkplug?.encodePayload({ timestamp: Date.now(), metrics })
      client.publish('spBv1.0/factory/NCMD/oven', Buffer.from(payload ?? []))
    },
  }
}

function heard(topic: string, payload: Buffer): Heard {
  const [, , type = ''] = topic.split('/')
  const { seq, metrics } = sparkplug?.decodePayload(payload) ?? {}
  const entries = (metrics ?? []).map(({ name, value, isHistorical }) => {
    return [name ?? '', { value: typeof value === 'object' ? Number(value) : value, historical: isHistorical === true }]
  })
  return {
    type,
    seq: seq === undefined || seq === null ? undefined : Number(seq),
    metrics: Object.fromEntries(entries) as Metrics,
  }
}

function of(messages: readonly Heard[], type: string) {
  return messages.filter((each): each is Exclude<Heard, 'outage'> => each !== 'outage' && each.type === type)
}

function bdSeqOf({ metrics }: Exclude<Heard, 'outage'>) {
  return metrics['bdSeq']?.value
}

/** What Sparkplug forbids. @param late - whether the listener may have missed the birth after an outage */
function violations(messages: readonly Heard[], late: boolean): string[] {
  const found: string[] = []
  let alive: { bdSeq: unknown; seq: number } | 'dead' | 'unknown' = 'dead'
  for (const [index, message] of messages.entries()) {
    const say = (text: string) => found.push(`${index}: ${JSON.stringify(message)} ${text}`)
    if (message === 'outage') alive = late ? 'unknown' : 'dead'
    else if (message.type === 'NBIRTH') {
      if (message.seq !== 0) say('does not begin with seq 0')
      if (message.metrics['Node Control/Rebirth']?.value !== false) say('offers no rebirth')
      alive = { bdSeq: bdSeqOf(message), seq: 0 }
    } else if (alive === 'dead') say('comes before a birth')
    else if (message.type === 'NDEATH') {
      if (message.seq !== undefined) say('has a seq')
      if (alive !== 'unknown' && bdSeqOf(message) !== alive.bdSeq) say('has not the bdSeq of its birth')
      alive = 'dead'
    } else if (alive !== 'unknown') {
      alive.seq = (alive.seq + 1) % 256
      if (message.seq !== alive.seq) say(`should have seq ${alive.seq}`)
    }
  }
  return found
}
