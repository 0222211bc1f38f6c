import { openClassicLevel } from './classic-level.ts'
import { openMqttJsonlStore, openMqttLevelStore } from './mqttjs.ts'
import { openOurs } from './ours.ts'
import type { OpenStore } from './store.ts'

export type StoreName = 'ours' | 'classic-level' | 'mqtt-level-store' | 'mqtt-jsonl-store'

export const stores: Readonly<Record<StoreName, OpenStore>> = {
  ours: openOurs,
  'classic-level': openClassicLevel,
  'mqtt-level-store': openMqttLevelStore,
  'mqtt-jsonl-store': openMqttJsonlStore,
}
