import { testBroker } from './field-test.ts'
import { rabbitmq } from './lab/debian-brokers.ts'

testBroker(rabbitmq, {
  'QoS 0, 1 and 2': {
    4: 'QoS 2 arrives as 1',
    5: 'closed before the CONNACK',
  },
  "protocolVersion: 'auto'": { auto: '3.1.1 at attempt 2' },
  'shared subscription': { 4: 'granted, nothing comes' },
  'unacked of 40': { 4: '10' },
  '1 MB': { 4: 'ok' },
  takeover: { 4: 'closed' },
  restart: { 4: 'ok' },
})
