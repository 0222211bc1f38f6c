import sparkplug from 'sparkplug-client'

/** An edge node: it gets commands, and sends data. Its topics follow from the namespace. */
export async function start(url, topics, received) {
  const client = sparkplug.newClient({
    serverUrl: url,
    username: '',
    password: '',
    groupId: 'group',
    edgeNode: 'node',
    clientId: 'sparkplug-client',
    version: 'spBv1.0',
  })
  client.on('birth', () => client.publishNodeBirth({ timestamp: Date.now(), metrics: [] }))
  client.on('ncmd', ({ metrics }) => received(metrics[0].value))
  await new Promise((resolve) => client.once('connect', resolve))
  return {
    send: (text) => client.publishDeviceData('device', { timestamp: Date.now(), metrics: [metric(text)] }),
    stop: () => client.stop(),
    topics: { into: 'spBv1.0/group/NCMD/node', out: 'spBv1.0/group/DDATA/node/device' },
    encode: (text) => Buffer.from(client.encodePayload({ timestamp: Date.now(), metrics: [metric(text)] })),
    decode: (bytes) => client.decodePayload(bytes).metrics[0].value,
  }
}

function metric(value) {
  return { name: 'text', type: 'String', value }
}
