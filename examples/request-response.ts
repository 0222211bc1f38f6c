/**
 * Requests with a response: a client asks a thermostat, also while there is no connection.
 *
 *   npx tsx examples/request-response.ts                                     a broker in this process
 *   npx tsx examples/request-response.ts mqtt://localhost:1883               your broker
 *   PROTOCOL=5 npx tsx examples/request-response.ts mqtt://localhost:1883    the same with MQTT 5
 *
 * With MQTT 5, a request contains the response topic and correlation data. MQTT 3.1.1 has neither: both sides agree on a
 * topic, and `match` recognizes the response. The broker in this process only speaks 3.1.1.
 */
import { json, ResilientMqttClient, TimeoutError, type RequestOptions } from 'xstate-mqtt'
import { createEmbeddedBroker } from 'xstate-mqtt/testing'

const url = process.argv[2]
const protocolVersion = process.env.PROTOCOL === '5' ? 5 : 4
if (protocolVersion === 5 && !url) throw new Error('PROTOCOL=5 needs the URL of a broker that speaks MQTT 5')
const broker = url ? { url } : await createEmbeddedBroker()

interface Question {
  readonly room: string
}
interface Answer extends Question {
  readonly celsius: number
}
const answers = json<Answer>()

// The client that answers.
const thermostat = new ResilientMqttClient({ url: broker.url, options: { protocolVersion } })
const temperatures: Record<string, number> = { kitchen: 21.5, bedroom: 18 }
const questions = thermostat.subscribe(
  'home/temperature/get',
  ({ value: { room }, properties }) => {
    const celsius = temperatures[room]
    if (celsius === undefined) return
    const { responseTopic = 'home/temperature', correlationData } = properties ?? {}
    void thermostat.publish(
      responseTopic,
      { room, celsius },
      {
        qos: 1,
        codec: answers,
        ...(correlationData && { properties: { correlationData } }),
      },
    )
  },
  { qos: 1, codec: json<Question>() },
)

// The client that asks. In production, leave out `reconnect`. Its default takes seconds, which is too long for an example.
const client = new ResilientMqttClient({
  url: broker.url,
  options: { protocolVersion, clientId: 'dashboard' },
  reconnect: { initialDelay: 200, maxDelay: 500 },
})

async function ask(room: string, options: RequestOptions = {}): Promise<string> {
  const response = await client.request('home/temperature/get', JSON.stringify({ room }), {
    ...(protocolVersion === 4 && {
      responseTopic: 'home/temperature',
      match: (message) => answers.decode(message.payload).room === room,
    }),
    ...options,
  })
  return `${room}: ${answers.decode(response.payload).celsius} °C`
}

await Promise.all([thermostat.connect(), questions.ready, client.connect()])
console.log(`Asked by MQTT ${protocolVersion === 5 ? '5' : '3.1.1'}`)

// Each request gets its own response, in any order.
console.log((await Promise.all([ask('kitchen'), ask('bedroom')])).join(', '))

// There is no answer for this room, so the request ends with a timeout.
await ask('attic', { timeout: 500 }).catch((error: unknown) => {
  if (!(error instanceof TimeoutError)) throw error
  console.log(`attic: ${error.message}`)
})

if ('kick' in broker) {
  broker.kick('dashboard')
  await client.waitFor('reconnecting')
  console.log('the connection is cut: the question waits')
  // Sent when the connection is back. The timeout includes that wait.
  console.log(await ask('kitchen', { timeout: 10_000 }))
}

await Promise.all([client[Symbol.asyncDispose](), thermostat[Symbol.asyncDispose]()])
if ('stop' in broker) await broker.stop()
