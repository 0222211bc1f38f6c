import 'reflect-metadata'

import { ClientProxyFactory, ServerMqtt, Transport } from '@nestjs/microservices'
import { firstValueFrom } from 'rxjs'

/** A server that handles a pattern, and a client that emits events. */
export async function start(url, { into, out }, received) {
  const server = new ServerMqtt({ url, clientId: 'nest-server', subscribeOptions: { qos: 1 } })
  server.addHandler(into, async (data) => received(String(data)), true)
  await new Promise((resolve, reject) => {
    void server.listen((error) => (error ? reject(new Error('no server', { cause: error })) : resolve()))
  })
  const client = ClientProxyFactory.create({ transport: Transport.MQTT, options: { url, clientId: 'nest-client' } })
  await client.connect()
  return {
    encode: (text) => JSON.stringify({ pattern: into, data: text }),
    decode: (bytes) => JSON.parse(bytes.toString()).data,
    send: (text) => firstValueFrom(client.emit(out, text), { defaultValue: undefined }),
    stop: async () => {
      await client.close()
      server.close()
    },
  }
}
