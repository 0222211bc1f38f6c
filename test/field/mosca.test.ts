import { testBroker } from './field-test.ts'
import { mosca } from './lab/npm-brokers.ts'

testBroker(mosca, {
  'QoS 0, 1 and 2': { 4: 'QoS 2: no answer', 5: 'no answer' },
  "protocolVersion: 'auto'": { auto: '3.1.1 at attempt 2' },
  'denied filter': { 4: '0x80' },
  'shared subscription': { 4: 'granted, nothing comes' },
  'unacked of 40': { 4: '40' },
  '1 MB': { 4: 'ok' },
  takeover: { 4: 'closed' },
  restart: { 4: 'ok, new session' },
})
