import { testBroker } from './field-test.ts'
import { mosquitto, mosquittoMaxConnections, mosquittoMessageSizeLimit } from './lab/debian-brokers.ts'

testBroker(mosquitto, {
  'QoS 0, 1 and 2': 'ok',
  "protocolVersion: 'auto'": { auto: '5 at attempt 1' },
  'denied filter': 'granted',
  'shared subscription': 'ok',
  'unacked of 40': { 4: '20', 5: '40' },
  '1 MB': 'ok',
  'too large': { 4: 'PoisonPacketError', 5: 'NotSupportedByBrokerError' },
  takeover: 'closed',
  restart: 'ok',
})

testBroker(mosquittoMessageSizeLimit, {
  'too large': { 4: 'acknowledged, nothing comes', 5: '0x95' },
})

testBroker(mosquittoMaxConnections, {
  'too many clients': 'closed before the CONNACK, then ok',
})
