import { testBroker } from './field-test.ts'
import { ejabberd } from './lab/debian-brokers.ts'

testBroker(ejabberd, {
  'QoS 0, 1 and 2': 'ok',
  "protocolVersion: 'auto'": { auto: '5 at attempt 1' },
  'denied filter': '0x8F',
  'shared subscription': { 4: 'closed, then left out', 5: 'not sent: announced' },
  'unacked of 40': '1',
  '1 MB': 'ok',
  'too large': { 4: 'PoisonPacketError', 5: 'PoisonPacketError' },
  takeover: { 4: 'closed', 5: 'DISCONNECT 0x8E' },
  restart: 'ok, new session',
})
