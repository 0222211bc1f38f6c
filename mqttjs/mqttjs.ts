import mqtt from 'mqtt'

/** The exports of MQTT.js. Its build for browsers has only a default export. */
export const {
  DefaultMessageIdProvider,
  ErrorWithReasonCode,
  ErrorWithSubackPacket,
  KeepaliveManager,
  MQTTJS_VERSION,
  MqttClient: MqttjsClient,
  ReasonCodes,
  Store,
  UniqueMessageIdProvider,
  applyMixin,
  nextTick,
  validateTopic,
  validateTopics,
} = mqtt
