import { testBroker } from './field-test.ts'
import { activemq } from './lab/debian-brokers.ts'

testBroker(activemq, {
  'QoS 0, 1 and 2': { 4: 'ok', 5: 'closed before the CONNACK' },
  "protocolVersion: 'auto'": { auto: '3.1.1 at attempt 2' },
  'shared subscription': { 4: 'granted, nothing comes' },
  'unacked of 40': { 4: '40' },
  '1 MB': { 4: 'ok' },
  takeover: { 4: 'closed' },
  restart: { 4: 'ok, new session' },
})
