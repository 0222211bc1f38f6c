import { expect, test } from 'vitest'

import { clockFindings } from '../../../cli/doctor/clock.ts'
import { dnsFindings } from '../../../cli/doctor/dns.ts'
import type { Finding } from '../../../cli/doctor/finding.ts'
import { firstBytesFindings } from '../../../cli/doctor/first-bytes.ts'
import { idleFindings } from '../../../cli/doctor/idle-findings.ts'
import { versionFindings } from '../../../cli/doctor/mqtt/connack.ts'
import { limitFindings } from '../../../cli/doctor/mqtt/limits.ts'
import { CONNACK, type Received, type Version } from '../../../cli/doctor/mqtt/packets.ts'
import type { Trial } from '../../../cli/doctor/mqtt/versions.ts'
import { packetSizeFindings } from '../../../cli/doctor/packet-size.ts'
import { roundTripFindings } from '../../../cli/doctor/round-trip.ts'
import { tcpFindings } from '../../../cli/doctor/tcp.ts'
import type { Certificate } from '../../../cli/doctor/tls/certificate.ts'
import { tlsFindings } from '../../../cli/doctor/tls/findings.ts'
import type { TlsMeasurement } from '../../../cli/doctor/tls/measure.ts'
import { publishFindings, subscribeFindings } from '../../../cli/doctor/topics.ts'
import type { Scheme, Target } from '../../../cli/doctor/way.ts'
import { upgradeFindings } from '../../../cli/doctor/websocket.ts'
import type { Failure } from '../../../machines/failure.ts'

const NOW = Date.UTC(2026, 10, 28, 12)
const DAY = 86_400_000

const closed: Failure = { kind: 'closed' }
const silent: Failure = { kind: 'timeout', phase: 'connect' }

function target(scheme: Scheme, tls: Target['tls'] = {}, path = '/mqtt'): Target {
  return { scheme, host: 'broker.test', port: 4711, path, tls }
}

function certificate(more: Partial<Certificate> = {}): Certificate {
  return {
    subject: 'broker.test',
    issuer: 'Test CA',
    names: ['broker.test'],
    from: NOW - 30 * DAY,
    until: NOW + 60 * DAY,
    isForHost: true,
    ...more,
  }
}

function handshake(more: Partial<TlsMeasurement> = {}): TlsMeasurement {
  return { time: 12, version: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384', chain: [certificate()], ...more }
}

function distrust(code: string, more: Partial<TlsMeasurement> = {}): TlsMeasurement {
  return handshake({ failure: { kind: 'tls', code, message: code }, distrust: code, ...more })
}

const alert = (name: string): Failure => ({ kind: 'tls', code: 'EPROTO', message: `tlsv13 alert ${name}` })

function answered(version: Version, code: number, reasonString?: string): Trial {
  const connack: Received = { type: CONNACK, packetId: 0, codes: [code], ...(reasonString && { reasonString }) }
  return { version, time: 20, connack }
}

const someone = { hasUsername: true, hasPassword: true, hasCertificate: false, hasClientId: false, isReadable: false }
const nobody = { ...someone, hasUsername: false, hasPassword: false }

type Row = readonly [planted: string, findings: readonly Finding[], code: string, says: RegExp]

const dns: Row[] = [
  [
    'both families',
    dnsFindings('broker.test', [
      { family: 4, addresses: ['192.0.2.1', '192.0.2.2'], time: 11.6 },
      { family: 6, addresses: ['2001:db8::1'], time: 13 },
    ]),
    'dns.ok',
    /IPv4: 192\.0\.2\.1, 192\.0\.2\.2 \(12 ms\); IPv6: 2001:db8::1 \(13 ms\)/,
  ],
  ['an address', dnsFindings('::1', undefined), 'dns.address', /no name to resolve/],
  [
    'a name that does not exist',
    dnsFindings('brokr.test', [
      { family: 4, addresses: [], error: 'ENOTFOUND', time: 5 },
      { family: 6, addresses: [], error: 'ENOTFOUND', time: 5 },
    ]),
    'dns.not-found',
    /brokr\.test has no address \(ENOTFOUND\): it is misspelt/,
  ],
  [
    'no name server',
    dnsFindings('broker.test', [
      { family: 4, addresses: [], error: 'EAI_AGAIN', time: 5 },
      { family: 6, addresses: [], error: 'EAI_AGAIN', time: 5 },
    ]),
    'dns.unreachable',
    /name servers are not reachable/,
  ],
  [
    'a silent name server',
    dnsFindings('broker.test', [
      { family: 4, addresses: [], error: 'TIMEOUT', time: 10_000 },
      { family: 6, addresses: [], error: 'TIMEOUT', time: 10_000 },
    ]),
    'dns.timeout',
    /No name server answered/,
  ],
  [
    'a name server without an answer for IPv6',
    dnsFindings('broker.test', [
      { family: 4, addresses: ['192.0.2.1'], time: 11 },
      { family: 6, addresses: [], error: 'TIMEOUT', time: 10_000 },
    ]),
    'dns.slow',
    /lookup of IPv6 \(no answer\) takes 10\.0 s/,
  ],
]

const tcp: Row[] = [
  ['an open port', tcpFindings(1883, [{ address: '::1', time: 0.42 }]), 'tcp.ok', /\[::1\]:1883 \(0\.4 ms\)/],
  [
    'a closed port',
    tcpFindings(1883, [{ address: '192.0.2.1', time: 1, error: 'ECONNREFUSED' }]),
    'tcp.refused',
    /192\.0\.2\.1:1883: the host refuses/,
  ],
  [
    'a firewall',
    tcpFindings(1883, [{ address: '192.0.2.1', time: 5_000, error: 'TIMEOUT' }]),
    'tcp.timeout',
    /a firewall drops the packets/,
  ],
  [
    'no route',
    tcpFindings(1883, [{ address: '192.0.2.1', time: 1, error: 'EHOSTUNREACH' }]),
    'tcp.unreachable',
    /no route/,
  ],
  [
    'one dead address of two',
    tcpFindings(1883, [
      { address: '192.0.2.1', time: 1 },
      { address: '192.0.2.2', time: 1, error: 'ECONNREFUSED' },
    ]),
    'tcp.some-refused',
    /192\.0\.2\.2:1883: the host refuses.*some attempts of the client take longer/,
  ],
  [
    'a device without IPv6',
    tcpFindings(1883, [
      { address: '192.0.2.1', time: 1 },
      { address: '2001:db8::1', time: 1, error: 'ENETUNREACH' },
    ]),
    'tcp.no-family',
    /this device has no IPv6/,
  ],
]

const withCa: Target = { ...target('mqtts', { ca: 'x' }), tlsFiles: { ca: 'other.pem' } }

const tls: Row[] = [
  [
    'a good certificate',
    tlsFindings(target('mqtts'), handshake(), NOW),
    'tls.chain',
    /for broker\.test, is issued by Test CA, and expires in 60 days/,
  ],
  [
    'an expired certificate',
    tlsFindings(
      target('mqtts'),
      distrust('CERT_HAS_EXPIRED', { chain: [certificate({ until: NOW - 12.5 * DAY })] }),
      NOW,
    ),
    'tls.expired',
    /expired 12 days ago \(2026-11-16 00:00 UTC\)/,
  ],
  [
    'an expired certificate of the CA',
    tlsFindings(
      target('mqtts'),
      distrust('CERT_HAS_EXPIRED', {
        chain: [certificate(), certificate({ subject: 'Old CA', until: NOW - 1.5 * DAY })],
      }),
      NOW,
    ),
    'tls.expired',
    /certificate of the CA Old CA, in the chain, expired 1 day ago/,
  ],
  [
    'a certificate of tomorrow',
    tlsFindings(target('mqtts'), distrust('CERT_NOT_YET_VALID', { chain: [certificate({ from: NOW + DAY })] }), NOW),
    'tls.not-yet-valid',
    /valid from 2026-11-29 12:00 UTC on, and the clock of this device says 2026-11-28 12:00 UTC/,
  ],
  [
    'a certificate for another name',
    tlsFindings(
      target('mqtts'),
      distrust('ERR_TLS_CERT_ALTNAME_INVALID', { chain: [certificate({ names: ['other.test'], isForHost: false })] }),
      NOW,
    ),
    'tls.wrong-name',
    /not for broker\.test\. It is for other\.test/,
  ],
  [
    'a self-signed certificate',
    tlsFindings(target('mqtts'), distrust('DEPTH_ZERO_SELF_SIGNED_CERT'), NOW),
    'tls.self-signed',
    /signed by itself/,
  ],
  [
    'a private CA',
    tlsFindings(target('mqtts'), distrust('SELF_SIGNED_CERT_IN_CHAIN'), NOW),
    'tls.unknown-ca',
    /a private one .*issuer: Test CA/,
  ],
  ...(
    [
      ['DEPTH_ZERO_SELF_SIGNED_CERT', 'self-signed', /signed by itself, and is not in other\.pem \(/],
      ['SELF_SIGNED_CERT_IN_CHAIN', 'unknown-ca', /is not from a CA in other\.pem \(.*issuer: Test CA\)/],
      ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'unknown-ca', /a CA that is not in other\.pem \(/],
      [
        'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
        'incomplete-chain',
        /not from a CA in other\.pem, and the server does not send/,
      ],
    ] as const
  ).map(([code, name, says]): Row => {
    return [`a given CA that is another one, ${code}`, tlsFindings(withCa, distrust(code), NOW), `tls.${name}`, says]
  }),
  [
    'a given CA that is another one, in the config file itself',
    tlsFindings(target('mqtts', { ca: 'x' }), distrust('SELF_SIGNED_CERT_IN_CHAIN'), NOW),
    'tls.unknown-ca',
    /is not from a CA in options\.tls\.ca \(/,
  ],
  [
    'a missing intermediate certificate',
    tlsFindings(target('mqtts'), distrust('UNABLE_TO_VERIFY_LEAF_SIGNATURE'), NOW),
    'tls.incomplete-chain',
    /without that of its issuer/,
  ],
  [
    'another fault of the certificate',
    tlsFindings(target('mqtts'), distrust('CA_MD_TOO_WEAK'), NOW),
    'tls.not-trusted',
    /not accepted \(CA_MD_TOO_WEAK/,
  ],
  [
    'a certificate near its end',
    tlsFindings(target('mqtts'), handshake({ chain: [certificate({ until: NOW + 3.5 * DAY })] }), NOW),
    'tls.expires-soon',
    /expires in 3 days/,
  ],
  [
    'verification that is off',
    tlsFindings(target('mqtts', { rejectUnauthorized: false }), distrust('DEPTH_ZERO_SELF_SIGNED_CERT'), NOW),
    'tls.unverified',
    /anyone on the way can read/,
  ],
  [
    'a missing client certificate, TLS 1.3',
    tlsFindings(
      target('mqtts'),
      handshake({ failure: alert('certificate required'), isLate: true, asksForCertificate: true }),
      NOW,
    ),
    'tls.certificate-wanted',
    /asks for a client certificate, and ends the connection without one \(the server requires/,
  ],
  [
    'a missing client certificate, TLS 1.2',
    tlsFindings(
      target('mqtts'),
      { time: 9, chain: [], failure: alert('handshake failure'), asksForCertificate: true },
      NOW,
    ),
    'tls.certificate-wanted',
    /ends the connection without one/,
  ],
  [
    'a client certificate of another CA',
    tlsFindings(
      target('mqtts', { cert: 'x', key: 'x' }),
      handshake({
        failure: alert('unknown ca'),
        isLate: true,
        asksForCertificate: true,
        own: certificate({ subject: 'me', issuer: 'Wrong CA' }),
      }),
      NOW,
    ),
    'tls.certificate-refused',
    /does not accept the client certificate of me, issued by Wrong CA \(.*does not know its CA/,
  ],
  [
    'an expired client certificate',
    tlsFindings(
      target('mqtts', { cert: 'x', key: 'x' }),
      handshake({ own: certificate({ subject: 'me', until: NOW - DAY }) }),
      NOW,
    ),
    'tls.own-expired',
    /client certificate me has expired/,
  ],
  [
    'a client certificate for nothing',
    tlsFindings(
      target('mqtts', { cert: 'x', key: 'x' }),
      handshake({ own: certificate(), asksForCertificate: false }),
      NOW,
    ),
    'tls.certificate-unused',
    /is not used/,
  ],
  [
    'TLS 1.1',
    tlsFindings(
      target('mqtts'),
      { time: 9, chain: [], failure: alert('protocol version'), oldVersion: 'TLSv1.1' },
      NOW,
    ),
    'tls.old-version',
    /speaks TLSv1\.1 and nothing newer/,
  ],
  [
    'a handshake without an answer',
    tlsFindings(target('mqtts'), { time: 5_000, chain: [], failure: silent }, NOW),
    'tls.handshake',
    /no answer came in time/,
  ],
]

const clock: Row[] = [
  ['1970', clockFindings(0, undefined, undefined), 'clock.past', /1970-01-01 00:00 UTC, which is before this program/],
  [
    'a clock that is ahead',
    clockFindings(NOW, { server: NOW - 3 * 3_600_000, here: NOW }, undefined),
    'clock.wrong',
    /3 hours ahead of/,
  ],
  [
    'a clock that is a bit behind',
    clockFindings(NOW, { server: NOW + 9_000, here: NOW }, undefined),
    'clock.differs',
    /9 s behind/,
  ],
  ['the same time', clockFindings(NOW, { server: NOW - 800, here: NOW }, undefined), 'clock.ok', /agrees/],
  [
    'a certificate of the past',
    clockFindings(NOW, undefined, certificate({ until: NOW - 40 * DAY })),
    'clock.certificate',
    /fast by at least 40 days/,
  ],
  [
    'a certificate of today',
    clockFindings(NOW, undefined, certificate({ until: NOW + 40 * DAY })),
    'clock.certificate',
    /within the validity of the certificate\. Whether it is exact is not known/,
  ],
]

const firstBytes: Row[] = [
  [
    'MQTT',
    firstBytesFindings(target('mqtt'), { tcp: { speaks: 'mqtt' } }),
    'first-bytes.ok',
    /speaks MQTT, as the scheme mqtt says/,
  ],
  [
    'mqtt: to a TLS port',
    firstBytesFindings(target('mqtt'), { tcp: { speaks: 'tls' } }),
    'first-bytes.tls',
    /speaks TLS on port 4711, and the scheme mqtt .* means plain MQTT/,
  ],
  [
    'mqtt: to a web server',
    firstBytesFindings(target('mqtt'), { tcp: { speaks: 'http', line: 'HTTP/1.1 400 Bad Request' } }),
    'first-bytes.http',
    /web server answers .*“HTTP\/1\.1 400 Bad Request”/,
  ],
  [
    'mqtts: to a plain port',
    firstBytesFindings(target('mqtts'), { tcp: { speaks: 'mqtt' } }),
    'first-bytes.mqtt',
    /speaks MQTT on port 4711, .* means MQTT inside TLS/,
  ],
  [
    'mqtts: to https',
    firstBytesFindings(target('mqtts'), { tls: { speaks: 'http', line: 'HTTP/1.1 404 Not Found' } }),
    'first-bytes.http',
    /inside TLS on port 4711/,
  ],
  [
    'ws: to a plain port',
    firstBytesFindings(target('ws'), { tcp: { speaks: 'mqtt' } }),
    'first-bytes.mqtt',
    /means plain MQTT over WebSocket/,
  ],
  ['ws: to a TLS port', firstBytesFindings(target('ws'), { tcp: { speaks: 'tls' } }), 'first-bytes.tls', /speaks TLS/],
  [
    'SSH',
    firstBytesFindings(target('mqtt'), { tcp: { speaks: 'other', line: 'SSH-2.0-OpenSSH_9.2' } }),
    'first-bytes.other',
    /“SSH-2\.0-OpenSSH_9\.2”/,
  ],
  [
    'silence',
    firstBytesFindings(target('mqtt'), { tcp: { speaks: 'nothing', ending: 'silent' } }),
    'first-bytes.silent',
    /a backend that does not answer/,
  ],
  [
    'a reset',
    firstBytesFindings(target('mqtt'), { tcp: { speaks: 'nothing', ending: 'reset' } }),
    'first-bytes.closed',
    /resets them at the first bytes/,
  ],
]

const webSocket: Row[] = [
  [
    'an upgrade',
    upgradeFindings(target('ws'), { status: 101, subprotocol: 'mqtt', server: 'nginx' }),
    'websocket.ok',
    /\(nginx\) takes the WebSocket upgrade/,
  ],
  [
    'no subprotocol',
    upgradeFindings(target('ws'), { status: 101 }),
    'websocket.subprotocol',
    /with no subprotocol instead of mqtt/,
  ],
  [
    'another path',
    upgradeFindings(target('ws'), { status: 404 }, '/ws'),
    'websocket.path',
    /no WebSocket on the path \/mqtt/,
  ],
  ['401', upgradeFindings(target('ws'), { status: 401 }), 'websocket.unauthorized', /wants a login/],
  [
    'a redirection',
    upgradeFindings(target('ws'), { status: 301, location: 'https://new.test' }),
    'websocket.redirection',
    /redirects to https:\/\/new\.test/,
  ],
  [
    'a proxy without its backend',
    upgradeFindings(target('ws'), { status: 502 }),
    'websocket.backend',
    /the broker behind it is down/,
  ],
  [
    'a proxy that drops the upgrade',
    upgradeFindings(target('ws'), { status: 426 }),
    'websocket.no-upgrade',
    /does not pass the headers/,
  ],
  ['a limit', upgradeFindings(target('ws'), { status: 429 }), 'websocket.rate', /fewer connections/],
  ['another status', upgradeFindings(target('ws'), { status: 500 }), 'websocket.refused', /HTTP 500/],
]

const mqtt: Row[] = [
  [
    'both versions',
    versionFindings([answered(5, 0), answered(4, 0)], nobody),
    'mqtt.ok',
    /with MQTT 5 \(20 ms\) and with MQTT 3\.1\.1/,
  ],
  [
    'MQTT 3.1.1 only',
    versionFindings([answered(5, 1), answered(4, 0)], nobody),
    'mqtt.version',
    /does not take MQTT 5: CONNACK unacceptable protocol version \(1\)/,
  ],
  [
    'no version',
    versionFindings([answered(5, 0x84), answered(4, 1)], nobody),
    'mqtt.version',
    /refuses MQTT 5 and MQTT 3\.1\.1/,
  ],
  [
    'a wrong password, MQTT 5',
    versionFindings([answered(5, 0x86)], someone),
    'mqtt.refused-0x86',
    /bad user name or password \(0x86\)\. The cause: the user name or the password is wrong/,
  ],
  [
    'a wrong password, MQTT 3.1.1',
    versionFindings([answered(4, 4)], someone),
    'mqtt.refused-0x04',
    /bad user name or password \(4\)/,
  ],
  [
    'no login',
    versionFindings([answered(5, 0x87, 'ask us')], nobody),
    'mqtt.refused-0x87',
    /not authorized \(0x87\), “ask us”\. The cause: the broker wants a login, and none was given/,
  ],
  [
    'a client id',
    versionFindings([answered(5, 0x85)], nobody),
    'mqtt.refused-0x85',
    /does not allow the client id of the doctor/,
  ],
  ['a ban', versionFindings([answered(5, 0x8a)], someone), 'mqtt.refused-0x8a', /banned this client/],
  ['a busy broker', versionFindings([answered(4, 3)], nobody), 'mqtt.refused-0x03', /server unavailable \(3\)/],
  ['another server', versionFindings([answered(5, 0x9c)], nobody), 'mqtt.refused-0x9c', /another server/],
  [
    'an unknown code',
    versionFindings([answered(5, 0xc1)], nobody),
    'mqtt.refused-0xc1',
    /reason code 0xc1\. The cause: the broker does not say/,
  ],
  [
    'a close before the CONNACK',
    versionFindings([{ version: 5, time: 3, failure: { ...closed, beforeConnack: true } }], nobody),
    'mqtt.closed',
    /ended before the CONNACK of MQTT 5/,
  ],
  [
    'no CONNACK',
    versionFindings([{ version: 5, time: 5_000, failure: silent }], nobody),
    'mqtt.no-connack',
    /the broker hangs/,
  ],
  ['a slow login', versionFindings([{ ...answered(5, 0), time: 8_000 }], someone), 'mqtt.slow', /Connecting takes 8 s/],
  [
    'limits',
    limitFindings(5, { maximumPacketSize: 2_048, maximumQoS: 1, retainAvailable: false, serverKeepAlive: 30 }),
    'limits.announced',
    /packets of at most 2 KiB; no QoS above 1; no retained messages; a keep alive of 30 s/,
  ],
]

const plain: Row = [
  'a password without encryption',
  versionFindings([answered(5, 0)], { ...someone, isReadable: true }),
  'mqtt.plain-login',
  /everyone on the way can read them/,
]

const topics: Row[] = [
  [
    'a granted filter',
    subscribeFindings([{ topic: 'a/#', code: 0 }]),
    'subscribe.ok',
    /grants the subscription to a\/#/,
  ],
  [
    'a refused filter',
    subscribeFindings([{ topic: 'a/#', code: 0x87 }]),
    'subscribe.refused',
    /refuses the subscription to a\/#: not authorized \(0x87\)/,
  ],
  [
    'a close at the SUBSCRIBE',
    subscribeFindings([{ topic: 'a/#', failure: closed }]),
    'subscribe.closed',
    /ends the connection at the SUBSCRIBE for a\/#/,
  ],
  [
    'no SUBACK',
    subscribeFindings([{ topic: 'a/#', failure: silent }]),
    'subscribe.no-answer',
    /does not answer the SUBSCRIBE/,
  ],
  [
    'a refused publish',
    publishFindings(5, [{ topic: 'a', code: 0x87 }]),
    'publish.refused',
    /refuses a publish to a: not authorized/,
  ],
  [
    'a close at the PUBLISH',
    publishFindings(4, [{ topic: 'a', failure: closed }]),
    'publish.closed',
    /ends the connection at the PUBLISH/,
  ],
  [
    'a publish that is lost',
    publishFindings(5, [{ topic: 'a', code: 0x10, cameBack: false }]),
    'publish.lost',
    /does not come back/,
  ],
  [
    'a publish that comes back',
    publishFindings(4, [{ topic: 'a', code: 0, cameBack: true }]),
    'publish.ok',
    /comes back/,
  ],
  [
    'MQTT 3.1.1, which can refuse nothing',
    publishFindings(4, [{ topic: 'a', code: 0 }]),
    'publish.not-proven',
    /MQTT 3\.1\.1 has no way to refuse one/,
  ],
]

const measures: Row[] = [
  [
    'a near broker',
    roundTripFindings({ of: 'PINGREQ', times: [1, 2, 3, 400], isBroken: false }),
    'round-trip.ok',
    /2 ms \(p50\) and 400 ms \(p99\), of 4/,
  ],
  [
    'a slow broker',
    roundTripFindings({ of: 'PUBLISH', times: [2_500], isBroken: false }),
    'round-trip.slow',
    /2\.5 s \(p50\)/,
  ],
  [
    'a lost answer',
    roundTripFindings({ of: 'PINGREQ', times: [1, 2], isBroken: true }),
    'round-trip.no-answer',
    /One of 3 round trips/,
  ],
  [
    'all sizes',
    packetSizeFindings({ largest: 1_048_576, limit: 1_048_576 }),
    'packet-size.ok',
    /1 MiB goes through, the most that was tried/,
  ],
  [
    'the announced size',
    packetSizeFindings({ largest: 2_048, limit: 2_048, announced: 2_048 }),
    'packet-size.ok',
    /the most that the broker announced/,
  ],
  [
    'a limit',
    packetSizeFindings({
      largest: 65_536,
      stopped: { bytes: 66_000, passed: false, failure: closed },
      limit: 1_048_576,
    }),
    'packet-size.limit',
    /up to 64 KiB go through, and one of 64\.5 KiB does not: the connection ends/,
  ],
  [
    'a limit below the announced one',
    packetSizeFindings({
      largest: 1_024,
      stopped: { bytes: 1_060, passed: false, code: 0x95 },
      limit: 4_096,
      announced: 4_096,
    }),
    'packet-size.below-announced',
    /packet too large \(0x95\).*announced 4 KiB/,
  ],
  [
    'nothing',
    packetSizeFindings({ largest: 0, stopped: { bytes: 128, passed: false, failure: silent }, limit: 4_096 }),
    'packet-size.none',
    /Not even a packet of 128 bytes/,
  ],
  [
    'no idle timeout',
    idleFindings(target('mqtt'), { survived: 300_000, limit: 300_000 }),
    'idle.ok',
    /silent for 300 s stays open/,
  ],
  [
    'a proxy',
    idleFindings(target('mqtt'), {
      survived: 30_000,
      ended: { after: 50_000, how: 'closed', failure: closed },
      limit: 300_000,
    }),
    'idle.timeout',
    /closes a connection that is silent for 50 s.*keep alive of the client is 60 s/,
  ],
  [
    'a NAT',
    idleFindings(target('mqtt'), { survived: 28_000, ended: { after: 30_000, how: 'dead' }, limit: 300_000 }),
    'idle.timeout',
    /looks open, and is dead/,
  ],
  [
    'a longer timeout than the keep alive',
    idleFindings(target('ws'), {
      survived: 60_000,
      ended: { after: 120_000, how: 'closed', failure: closed },
      limit: 300_000,
    }),
    'idle.timeout',
    /is shorter, so it is not affected/,
  ],
  [
    'a restart',
    idleFindings(target('mqtt'), {
      survived: 15_000,
      ended: { after: 20_000, how: 'closed', failure: closed },
      limit: 300_000,
      isUnclear: true,
    }),
    'idle.unclear',
    /silence is not the cause/,
  ],
  [
    'no further connection',
    idleFindings(target('mqtt'), { survived: 0, limit: 300_000, failure: closed }),
    'idle.none',
    /was not measured/,
  ],
]

const rows = [...dns, ...tcp, ...tls, ...clock, ...firstBytes, ...webSocket, ...mqtt, plain, ...topics, ...measures]

test.each(rows)('%s', (_planted, findings, code, says) => {
  const found = findings.filter((finding) => finding.code === code)
  expect({ codes: findings.map((each) => each.code), texts: found.map(({ text }) => text) }).toEqual({
    codes: expect.arrayContaining([code]),
    texts: expect.arrayContaining([expect.stringMatching(says)]),
  })
})

test('each finding is a sentence, and so is each remedy', () => {
  const sentences = rows.flatMap(([, findings]) =>
    findings.flatMap((finding) => ('remedy' in finding ? [finding.text, finding.remedy] : [finding.text])),
  )
  expect(
    sentences.filter((each) => !/^\S[^\n]*[.:!]$|^\S[^\n]*\.$/.test(each) || /undefined|\.\.|NaN/.test(each)),
  ).toEqual([])
})

test('the remedies are the ones of the fault', () => {
  const remedy = (findings: readonly Finding[]) =>
    findings.map((each) => ('remedy' in each ? each.remedy : '')).join('\n')
  expect(remedy(firstBytesFindings(target('mqtt'), { tcp: { speaks: 'tls' } }))).toContain('mqtts://broker.test:4711')
  expect(remedy(firstBytesFindings(target('mqtt'), { tcp: { speaks: 'http', line: '' }, path: '/ws' }))).toContain(
    'ws://broker.test:4711/ws',
  )
  expect(remedy(firstBytesFindings(target('wss'), { tls: { speaks: 'mqtt' } }))).toContain('mqtts://broker.test:4711')
  expect(remedy(upgradeFindings(target('ws'), { status: 404 }, '/ws'))).toContain('Use the path /ws')
  const [wrongCa, noCa] = [withCa, target('mqtts')].map((each) =>
    remedy(tlsFindings(each, distrust('SELF_SIGNED_CERT_IN_CHAIN'), NOW)),
  )
  expect(wrongCa).toContain(
    'Give the file of the CA that has issued it with --ca, and in options.tls.ca, instead of other.pem.',
  )
  expect(noCa).toContain('Give the file of that CA with --ca')
  const insecure = (more: Target['tls']) =>
    remedy(tlsFindings(target('mqtts', { rejectUnauthorized: false, ...more }), handshake(), NOW))
  expect(insecure({})).toContain(
    'Verify it: give the CA of the server with --ca, if it is a private one, and remove --insecure',
  )
  expect(insecure({ ca: 'x' })).toContain('Verify it: remove --insecure')
  const after50s = {
    survived: 30_000,
    ended: { after: 50_000, how: 'closed', failure: closed },
    limit: 300_000,
  } as const
  expect(remedy(idleFindings(target('mqtt'), after50s))).toContain('options.keepalive: 37000')
})
