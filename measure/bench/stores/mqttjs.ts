import mqtt, { type IStore } from 'mqtt'
import { mkdir } from 'node:fs/promises'

import type { OpenStore } from './store.ts'

interface Manager {
  readonly incoming: IStore
  readonly outgoing: IStore
}

/** Variables, so that the compiler does not look for the packages, which only measure/bench installs. */
const LEVEL_STORE: string = 'mqtt-level-store'
const JSONL_STORE: string = 'mqtt-jsonl-store'

/** Confirms when LevelDB has the packet in its log, without `fsync`. */
export const openMqttLevelStore: OpenStore = async (folder) => {
  const { default: open } = (await import(LEVEL_STORE)) as { default: (folder: string) => Manager }
  return connectLater(open(folder))
}

/** Confirms when the packet is in memory. The file follows later: by default, after 2,000 packets or a minute. */
export const openMqttJsonlStore: OpenStore = async (folder) => {
  const module = (await import(JSONL_STORE)) as {
    Manager: new (folder: string) => Manager & { open(): Promise<unknown> }
  }
  await mkdir(folder, { recursive: true })
  const manager = new module.Manager(folder)
  await manager.open()
  return connectLater(manager)
}

/** A client that has not connected yet, so that only its store is measured. */
function connectLater({ incoming, outgoing }: Manager) {
  const client = mqtt.connect('mqtt://127.0.0.1', {
    manualConnect: true,
    clean: false,
    clientId: 'bench',
    protocolVersion: 5,
    incomingStore: incoming,
    outgoingStore: outgoing,
  })
  return (topic: string, payload: Uint8Array, done: () => void) =>
    void client.publish(topic, payload as Buffer, { qos: 1, cbStorePut: done })
}
