import { MqttClient } from './client.ts'
import { connect, connectAsync } from './connect.ts'
import {
  applyMixin,
  DefaultMessageIdProvider,
  ErrorWithReasonCode,
  ErrorWithSubackPacket,
  KeepaliveManager,
  MQTTJS_VERSION,
  nextTick,
  ReasonCodes,
  Store,
  UniqueMessageIdProvider,
  validateTopic,
  validateTopics,
} from './mqttjs.ts'

/** MQTT.js's old name of the class. */
const Client = MqttClient
type Client = MqttClient

export {
  applyMixin,
  Client,
  connect,
  connectAsync,
  DefaultMessageIdProvider,
  ErrorWithReasonCode,
  ErrorWithSubackPacket,
  KeepaliveManager,
  MqttClient,
  MQTTJS_VERSION,
  nextTick,
  ReasonCodes,
  Store,
  UniqueMessageIdProvider,
  validateTopic,
  validateTopics,
}
export type { ClientOptions, ResilientOptions } from './options.ts'
export type * from 'mqtt'

// oxlint-disable-next-line import/no-default-export -- `import mqtt from 'mqtt'` is how most applications import MQTT.js.
export default {
  applyMixin,
  Client,
  connect,
  connectAsync,
  DefaultMessageIdProvider,
  ErrorWithReasonCode,
  ErrorWithSubackPacket,
  KeepaliveManager,
  MqttClient,
  MQTTJS_VERSION,
  nextTick,
  ReasonCodes,
  Store,
  UniqueMessageIdProvider,
  validateTopic,
  validateTopics,
}
