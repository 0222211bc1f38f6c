import { connectAwsCrt } from './aws-crt.ts'
import { connectMqttjs } from './mqttjs.ts'
import { connectOurs } from './ours.ts'
import type { Connect, PeerName } from './peer.ts'

export const peers: Readonly<Record<PeerName, Connect>> = {
  ours: connectOurs,
  mqttjs: connectMqttjs,
  'aws-crt': connectAwsCrt,
}
