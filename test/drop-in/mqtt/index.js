export * from 'xstate-mqtt/mqttjs'
export { default } from 'xstate-mqtt/mqttjs'
