/**
 * The four recovery strategies in the same outage: the fast tier gives up, and the broker comes back later.
 *
 *   STRATEGY=1 npx tsx examples/auto-recovery.ts     simpleRetry: same client, every 60 s
 *   STRATEGY=2 npx tsx examples/auto-recovery.ts     recreateClient: a new client with new options, every 60 s
 *   STRATEGY=3 npx tsx examples/auto-recovery.ts     refreshAndRecreate: also a new token, every 60 s
 *   STRATEGY=4 npx tsx examples/auto-recovery.ts     exponentialRecovery: the default, for production
 *
 * With a URL as its argument, it runs on your broker until Ctrl-C, with the delays of the strategy.
 */
import {
  exponentialRecovery,
  recreateClient,
  refreshAndRecreate,
  ResilientMqttClient,
  simpleRetry,
  type RecoveryPolicy,
} from 'xstate-mqtt'
import { createEmbeddedBroker, createTokenAuthority } from 'xstate-mqtt/testing'

const strategies: Record<string, [name: string, policy: RecoveryPolicy]> = {
  1: ['simpleRetry', simpleRetry],
  2: ['recreateClient', recreateClient],
  3: ['refreshAndRecreate', refreshAndRecreate],
  4: ['exponentialRecovery', exponentialRecovery],
}
const chosen = strategies[process.env.STRATEGY ?? '4']
if (!chosen) throw new Error('STRATEGY must be a number from 1 to 4')
const [name, policy] = chosen

const authority = createTokenAuthority({ lifetime: 3_600_000 })
const broker = process.argv[2]
  ? { url: process.argv[2] }
  : await createEmbeddedBroker({ authenticate: (_username, password) => authority.check(password) })
const real = !('stop' in broker)

let clients = 0
const client = new ResilientMqttClient({
  url: broker.url,
  recovery: real ? policy : { ...policy, initialDelay: 300, maxDelay: 300 },
  ...(!real && { reconnect: { maxAttempts: 2, initialDelay: 100, maxDelay: 200 } }),
  // Called for each new client, so the options can change, for example certificates.
  options: () => {
    clients++
    return { keepalive: 30_000 }
  },
  // Called for the first connection, before a token expires, after it was refused, and in recovery cycles.
  ...(!real && { credentials: () => ({ username: 'device', ...authority.issue() }) }),
})

console.log(`Strategy: ${name}`)
client.on('recoveryStarted', ({ cycle, delay }) => console.log(`recovery cycle ${cycle} in ${delay} ms`))
client.on('tokenRefreshed', ({ reason }) => console.log(`new token: ${reason}`))
client.on('recovered', ({ cycle }) => console.log(`recovered in cycle ${cycle}`))

await client.connect()
console.log('connected')

if ('stop' in broker) {
  const recovered = new Promise<void>((resolve) => void client.on('recovered', () => resolve()))
  const outage = new Promise<void>((resolve) => {
    // Three cycles fail. The broker comes back in the fourth.
    client.on('recoveryStarted', ({ cycle }) => cycle === 4 && resolve())
  })
  await broker.stop()
  await outage
  await broker.start()
  await recovered
  console.log(`Clients created: ${clients}, tokens issued: ${authority.issued}`)
  await client[Symbol.asyncDispose]()
  await broker.stop()
} else {
  process.once('SIGINT', () => void client[Symbol.asyncDispose]())
  console.log('Press Ctrl-C to end.')
}
