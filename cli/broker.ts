import { defineCommand, UsageError, type Values } from './command.ts'
import { count } from './count.ts'
import { print } from './shell.ts'
import { harmless } from './terminal.ts'

const options = {
  port: { type: 'string', value: '<port>', description: 'the port to listen on (1883); 0 takes a free one' },
  host: { type: 'string', value: '<host>', description: 'the address to listen on (127.0.0.1)' },
  'ws-port': { type: 'string', value: '<port>', description: 'also listens for WebSocket, on this port' },
} as const

export const broker = defineCommand({
  options,
  notes: [
    'A broker to try things out, in the memory of this process. It prints each message that a client publishes. Everybody',
    'may connect; sessions and retained messages are gone when it ends. It speaks MQTT 3.1.1 only. Ctrl-C ends it as an',
    'outage would: without a word to the clients.',
  ].join('\n'),
  async run(values, _operands, shell) {
    const settings = read(values)
    const { signal } = shell.interruption()
    const { createEmbeddedBroker } = await import('../testing/embedded-broker.ts')
    await using server = await createEmbeddedBroker(settings).catch((error: unknown) => {
      throw isTaken(error) ? taken(error, settings) : error
    })
    print(shell, `Broker: ${server.url}${settings.webSocket ? ` and ${server.wsUrl}` : ''}`)
    server.onPublish(({ clientId, topic, payload, qos, retain }) => {
      const how = `QoS ${qos}${retain ? ', retained' : ''}, ${count(payload.byteLength, 'byte')}`
      print(shell, harmless(`${clientId} → ${topic} (${how})`))
    })
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
    return 0
  },
})

/** @throws {UsageError} */
function read({ port = '1883', host, 'ws-port': wsPort }: Values<typeof options>) {
  return {
    port: portOf('--port', port),
    ...(host !== undefined && { host }),
    ...(wsPort !== undefined && { webSocket: { port: portOf('--ws-port', wsPort) } }),
  }
}

function portOf(flag: string, text: string): number {
  const port = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (port <= 65_535) return port
  throw new UsageError(`${flag} must be a port from 0 to 65535, got '${text}'`)
}

interface TakenError extends Error {
  readonly port: number
}

function isTaken(error: unknown): error is TakenError {
  return error instanceof Error && 'code' in error && error.code === 'EADDRINUSE'
}

function taken(error: TakenError, { port }: ReturnType<typeof read>): Error {
  const flag = error.port === port ? '--port' : '--ws-port'
  const advice = `choose another one by ${flag}; ${flag} 0 takes a free one`
  return new Error(`port ${error.port} is taken: ${advice}`, { cause: error })
}
