import RED from 'node-red'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Two flows: what comes from `into` is received, and what an inject node gives is sent to `out`. */
export async function start(url, { into, out }, received) {
  const userDir = mkdtempSync(join(tmpdir(), 'node-red-'))
  const { hostname: broker, port } = new URL(url)
  const node = (id, type, more) => ({ id, type, z: 'tab', x: 0, y: 0, wires: [], ...more })
  const flows = [
    { id: 'tab', type: 'tab', label: 'test' },
    {
      id: 'broker',
      type: 'mqtt-broker',
      broker,
      port,
      clientid: 'node-red',
      keepalive: '60',
      cleansession: true,
      protocolVersion: '4',
      autoConnect: true,
    },
    node('in', 'mqtt in', { topic: into, qos: '1', datatype: 'utf8', broker: 'broker', wires: [['function']] }),
    node('function', 'function', { func: 'global.get("received")(msg.payload)', outputs: 0 }),
    node('out', 'mqtt out', { topic: out, qos: '1', retain: 'false', broker: 'broker' }),
  ]
  writeFileSync(join(userDir, 'flows.json'), JSON.stringify(flows))
  RED.init(createServer(), {
    userDir,
    flowFile: 'flows.json',
    httpAdminRoot: false,
    httpNodeRoot: false,
    mqttReconnectTime: 1_000,
    functionGlobalContext: { received },
    logging: { console: { level: 'off' } },
  })
  await RED.start()
  const output = await waitFor(() => RED.nodes.getNode('out'))
  const connection = RED.nodes.getNode('broker')
  await waitFor(() => connection.connected)
  return {
    send: (text) => output.receive({ payload: text }),
    stop: async () => {
      await RED.stop()
      rmSync(userDir, { recursive: true, force: true })
    },
  }
}

async function waitFor(look) {
  for (let found = look(); ; found = look()) {
    if (found) return found
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
