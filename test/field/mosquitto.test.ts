import { testBroker } from './field-test.ts'
import { mosquitto } from './lab/debian-brokers.ts'

testBroker(mosquitto, {
  'QoS 0, 1 and 2': 'ok',
  'denied filter': 'granted',
  'shared subscription': 'ok',
  'un-acked of 40': { 4: '20', 5: '40' },
  '1 MB': 'ok',
  'too large': { 4: 'PoisonPacketError', 5: 'NotSupportedByBrokerError' },
  takeover: 'closed',
  restart: 'ok',
})
