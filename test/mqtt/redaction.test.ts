import { describe, expect, test } from 'vitest'

import { connectionMachine, subscriptionsMachine } from '../../machines/index.ts'
import { seeded } from '../../measure/lab/seeded.ts'
import { withoutSecrets } from '../../src/shared/redaction.ts'
import { range } from '../support/range.ts'

const lower = 'abcdefghijklmnopqrstuvwxyz'
const upper = lower.toUpperCase()
const digits = '0123456789'

describe('random keys and tokens', () => {
  test.each<[string, string, number, number]>([
    ['hexadecimal, lower case', `${digits}abcdef`, 32, 0.99],
    ['hexadecimal, upper case', `${digits}ABCDEF`, 32, 0.99],
    ['hexadecimal, lower case', `${digits}abcdef`, 40, 0.99],
    ['hexadecimal, upper case', `${digits}ABCDEF`, 40, 0.99],
    ['Base64', `${upper}${lower}${digits}+/`, 40, 0.99],
    ['Base64url', `${upper}${lower}${digits}-_`, 43, 0.99],
    ['letters and digits', `${upper}${lower}${digits}`, 40, 0.99],
    ['letters of both cases', `${upper}${lower}`, 40, 0.99],
    ['lower-case letters and digits', `${lower}${digits}`, 40, 0.99],
    ['upper-case letters and digits', `${upper}${digits}`, 40, 0.99],
    // These have few digits: a run without a digit looks like a word.
    ['Base32', `${upper}234567`, 40, 0.95],
  ])('%s, %#', (_what, alphabet, length, share) => {
    const random = seeded(length)
    const draw = () => range(length).map(() => alphabet[Math.floor(random() * alphabet.length)])
    const keys = range(1_000).map(() => draw().join(''))
    for (const around of [(key: string) => key, (key: string) => `key ${key} is wrong`]) {
      const hidden = keys.filter((key) => withoutSecrets(around(key)) === around('[redacted]'))
      expect(hidden.length).toBeGreaterThanOrEqual(share * keys.length)
    }
  })
})

describe('text that is shown unchanged', () => {
  test.each([
    ['a UUID', '7d444840-9dc0-11d1-b245-5ffdce74fad2'],
    ['a UUID in upper case', '7D444840-9DC0-11D1-B245-5FFDCE74FAD2'],
    ["mosquitto's client id", 'auto-7D444840-9DC0-11D1-B245-5FFDCE74FAD2'],
    ['a topic with a UUID', 'devices/7d444840-9dc0-11d1-b245-5ffdce74fad2/telemetry/state'],
    ['a topic with short ids', 'sensors/4F3A/B2C1/temperature/raw/value'],
    ['a topic filter', 'devices/+/telemetry/temperature-sensor-12/#'],
    ['a MAC address', 'client_00-1A-2B-3C-4D-5E_gateway-000012'],
    ['an EUI-64', 'zigbee2mqtt/0x00158d0001a2b3c4/temperature'],
    ['a device with the end of its MAC address', 'shellyplus1pm-a8032ab12345-office-north'],
    ['a pod', 'mqtt-gateway-7d9f8b6c5d-x2x4z-eu-west'],
    ['a serial number', 'SN2024010100001234567890123456'],
    ['a time', 'backup-20240101T120000Z-gateway-000012'],
    ['a name in camel case', 'temperatureSensorBerlinFloor12Room3Rack7'],
    ['a name of short words', 'setTheTokenAndTryItAgainAsSoonAsItIs'],
    ['a constant', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
    ['a tag of a plant', 'GATEWAY12_FLOOR3_ROOM4_SENSOR17_A'],
    ['a long word', 'Donaudampfschifffahrtsgesellschaft'],
    ['a path', '../deps/openssl/openssl/ssl/record/rec_layer_s3.c:1605'],
    ['an address', 'connect ECONNREFUSED 127.0.0.1:1883'],
    ['a URL without a query', 'wss://broker.example.com:8084/mqtt'],
    ['a token that expired', 'token expired'],
    ['what is required', 'basic authentication required'],
  ])('%s', (_what, text) => {
    expect(withoutSecrets(text)).toBe(text)
  })

  test.each([connectionMachine, subscriptionsMachine])('every name in our machines, %#', (machine) => {
    const names = new Set(JSON.stringify(machine.definition).match(/[^"]+/g))
    expect(names.size).toBeGreaterThan(50)
    for (const name of names) expect(withoutSecrets(name)).toBe(name)
  })
})

describe('text that is hidden', () => {
  test.each([
    ['a bearer token', 'Bearer planted-secret'],
    ['a token in a sentence', 'token planted-secret-1 was revoked'],
    ['a password', 'password=planted-secret'],
    ['a signed URL', 'wss://host/mqtt?X-Amz-Signature=planted-secret'],
    ['a login in a URL', 'mqtts://planted:planted-secret@host'],
    ['a JWT', 'eyJhbGciOiJub25lIn0.planted-secret.planted-secret'],
    ['PEM', '-----BEGIN PRIVATE KEY-----\nplanted-secret'],
  ])('%s', (_what, text) => {
    expect(withoutSecrets(text)).not.toContain('planted-secret')
    expect(withoutSecrets(withoutSecrets(text))).toBe(withoutSecrets(text))
  })
})
