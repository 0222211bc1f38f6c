// What is checked in each runtime, by name. Each check gets the facts of the lab (`lab.mjs`) and throws if something is
// wrong. What it returns is a note for the table. It imports only what a Cloudflare Worker can load, too.
import { ResilientMqttClient } from 'xstate-mqtt'

/** In milliseconds: checks wait for events, and this only limits how long a failure takes. */
const MAX = 30_000

export const checks = {
  tcp: ({ tcp }) => exchange({ url: tcp }),
  tls: ({ tls, ca }) => exchange({ url: tls, options: { tls: { ca } } }),
  ws: ({ ws }) => exchange({ url: ws }),
  wss: ({ wss, ca }) => exchange({ url: wss, options: { tls: { ca } } }),

  'broker-tcp': (lab) => outage(lab, lab.tcp),
  'broker-ws': (lab) => outage(lab, lab.ws),

  async unauthorized({ unauthorized }) {
    const failure = await firstFailure({ url: unauthorized })
    if (failure.kind === 'websocket' && failure.status === 401) return 'status 401'
    if (failure.kind === 'websocket') return `without the status: ${failure.message}`
    throw new Error(`an unexpected failure: ${JSON.stringify(failure)}`)
  },

  'wrong-ca-tls': ({ tls, otherCa }) => refusesCertificate({ url: tls, options: { tls: { ca: otherCa } } }),
  'wrong-ca-wss': ({ wss, otherCa }) => refusesCertificate({ url: wss, options: { tls: { ca: otherCa } } }),

  'half-open-tcp': (lab) => halfOpen(lab, lab.halfOpen),
  'half-open-ws': (lab) => halfOpen(lab, lab.halfOpenWs),
}

/** Publishes with each QoS, small and large, and receives it. */
async function exchange(options) {
  await withClient(options, async (client) => {
    const received = new Map()
    let heard = () => {}
    const subscription = client.subscribe(
      'check/#',
      (message) => {
        received.set(message.topic, message.payload)
        heard()
      },
      { qos: 2 },
    )
    await within(client.connect(), 'connect()')
    await within(subscription.ready, 'the subscription')
    const sent = new Map()
    for (const qos of [0, 1, 2]) {
      for (const size of [10, 1_000_000]) sent.set(`check/${qos}/${size}`, pattern(size, qos))
    }
    const all = new Promise((resolve) => {
      heard = () => received.size === sent.size && resolve()
    })
    const published = [...sent].map(([topic, payload]) =>
      client.publish(topic, payload, { qos: Number(topic.split('/')[1]) }),
    )
    await within(Promise.all(published), 'the acknowledgements')
    await within(all, () => `the messages (${[...received.keys()].join(', ')})`)
    for (const [topic, payload] of sent) {
      const got = received.get(topic)
      const isSame = got.length === payload.length && got.every((byte, at) => byte === payload[at])
      if (!isSame) throw new Error(`${topic} is damaged`)
    }
  })
}

/** The broker is killed and started again: what was published meanwhile arrives, and the subscription is restored. */
async function outage(lab, url) {
  await withClient({ url }, async (client) => {
    const texts = []
    client.subscribe('outage/#', (message) => void texts.push(message.text()), { qos: 1 })
    await within(client.connect(), 'connect()')
    await within(client.publish('outage/1', 'before', { qos: 1 }), 'the first publish')
    await control(lab, 'kill')
    await within(client.waitFor('reconnecting'), 'the state reconnecting')
    const published = client.publish('outage/2', 'during', { qos: 1 })
    await control(lab, 'start')
    await within(client.waitFor('connected'), 'the state connected')
    await within(published, 'the publish of the outage')
    await within(client.publish('outage/3', 'after', { qos: 2 }), 'the last publish')
    await until(
      () => texts.includes('during') && texts.includes('after'),
      () => `the messages (${texts.join(', ')})`,
    )
  })
}

async function refusesCertificate(options) {
  const failure = await firstFailure(options)
  if (failure.kind === 'tls') return failure.code
  throw new Error(`an unexpected failure: ${JSON.stringify(failure)}`)
}

/** The peer falls silent: the client notices that by its keep alive, and connects anew. */
async function halfOpen(lab, url) {
  await withClient({ url, options: { keepalive: 1_000 } }, async (client) => {
    await within(client.connect(), 'connect()')
    const interrupted = next(client, 'connectionInterrupted')
    await control(lab, 'silence')
    const { failure } = await within(interrupted, 'the event connectionInterrupted')
    await control(lab, 'speak')
    if (failure.kind !== 'keepalive') throw new Error(`an unexpected failure: ${JSON.stringify(failure)}`)
    await within(client.waitFor('connected'), 'the state connected')
    await within(client.publish('half-open', 'x', { qos: 1 }), 'a publish')
  })
}

async function firstFailure(options) {
  const once = { reconnect: { enabled: false }, recovery: { enabled: false } }
  const client = new ResilientMqttClient({ ...options, ...once })
  try {
    const error = await within(client.connect(), 'connect()').then(
      () => new Error('It connected'),
      (reason) => reason,
    )
    if (!error.failure) throw error
    return error.failure
  } finally {
    await client[Symbol.asyncDispose]()
  }
}

async function withClient(options, use) {
  const client = new ResilientMqttClient({ reconnect: { initialDelay: 100 }, ...options })
  const errors = []
  client.on('error', ({ error }) => void errors.push(String(error)))
  try {
    await use(client)
    await within(client.disconnect(), 'disconnect()')
    if (errors.length > 0) throw new Error(errors.join(', '))
  } finally {
    await client[Symbol.asyncDispose]()
  }
}

function pattern(size, seed) {
  return Uint8Array.from({ length: size }, (_, at) => (at * 7 + seed) % 256)
}

function next(client, event) {
  return new Promise((resolve) => {
    const stop = client.on(event, (each) => {
      stop()
      resolve(each)
    })
  })
}

async function control({ control: url }, command) {
  const response = await fetch(`${url}/${command}`)
  return response.json()
}

export async function until(isTrue, what) {
  const end = Date.now() + MAX
  while (!isTrue()) {
    if (Date.now() > end) throw new Error(`Too late: ${what()}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

export async function within(promise, what) {
  let timer
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`Too late: ${typeof what === 'string' ? what : what()}`)), MAX)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
