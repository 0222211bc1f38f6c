import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'

import { Mosquitto } from '../../measure/lab/mosquitto.ts'
import { freePort } from '../../measure/lab/ports.ts'
import { diagnose, type Plan } from '../cli/doctor/diagnose.ts'
import { TestCa } from '../support/certificates.ts'
import { startMosquitto, writePassword } from '../support/mosquitto.ts'
import { trusting } from '../support/servers.ts'
import { sharedFolder } from '../support/temporary-folder.ts'
import { ejabberd, mosquitto } from './lab/debian-brokers.ts'
import type { FieldBroker } from './lab/product.ts'
import { haproxy, nginx, type ProxyProduct, startNginx, stunnel } from './lab/proxies.ts'

/** In seconds. */
const IDLE_TIMEOUT = 4

/** What was planted, with what the doctor said of it. */
const told: string[] = []
afterAll(() => console.log(['| planted | the doctor says |', '| --- | --- |', ...told].join('\n')))

/** Examines a server, and expects the finding that names what was planted. */
async function expectNamed(planted: string, url: string, code: string, plan: Plan = {}): Promise<void> {
  const { findings, codes } = await diagnose(url, plan)
  const named = findings.find((finding) => finding.code === code)
  told.push(`| ${planted} | ${named?.text ?? `✗ ${codes.join(', ')}`} |`)
  expect(codes).toContain(code)
  // Nothing else is called a fault, except what follows from it.
  const others = findings.filter((finding) => finding.level === 'fault' && finding.check !== named?.check)
  expect(others).toEqual([])
}

describe.skipIf(!mosquitto.version)(`mosquitto ${mosquitto.version}`, () => {
  const [folder, strangers] = [sharedFolder(), sharedFolder()]
  let [ca, other]: TestCa[] = []
  let broker: Mosquitto
  const at = (listener: string, scheme: string) => `${scheme}://127.0.0.1:${broker.ports[listener]}`
  const login = { username: 'someone', password: 'opensesame' }

  beforeAll(async () => {
    ca = new TestCa(folder)
    other = new TestCa(strangers)
    ca.issue('good')
    ca.issue('expired', { expired: true })
    ca.issue('elsewhere', { altName: 'DNS:mqtt.example.com' })
    writePassword(join(folder, 'passwords'), login.username, login.password)
    writeFileSync(join(folder, 'acl'), 'topic readwrite open/#\ntopic write locked/#\n')
    const anyone = ['allow_anonymous true']
    const secure = (name: string) => [`certfile ${folder}/${name}.pem`, `keyfile ${folder}/${name}.key`, ...anyone]
    broker = await Mosquitto.start({
      config: ['per_listener_settings true', 'allow_anonymous true', 'log_dest stderr'],
      listeners: () => ({
        ws: ['protocol websockets', ...anyone],
        login: ['allow_anonymous false', `password_file ${folder}/passwords`],
        acl: [...anyone, `acl_file ${folder}/acl`],
        good: secure('good'),
        expired: secure('expired'),
        elsewhere: secure('elsewhere'),
        mutual: [...secure('good'), 'require_certificate true', `cafile ${folder}/ca.pem`],
      }),
    })
  })
  afterAll(() => broker?.[Symbol.asyncDispose]())

  const trusted = () => ({ tls: { ca: ca?.cert ?? '' } })
  const cases: readonly (readonly [string, () => string, string, (() => Plan)?])[] = [
    ['mqtt: to the port for TLS', () => at('good', 'mqtt'), 'first-bytes.tls'],
    ['mqtts: to the plain port', () => at('mqtt', 'mqtts'), 'first-bytes.mqtt'],
    ['mqtt: to the port for WebSockets', () => at('ws', 'mqtt'), 'first-bytes.http'],
    ['ws: to the plain port', () => at('mqtt', 'ws'), 'first-bytes.mqtt'],
    ['wss: to the port for WebSockets without TLS', () => at('ws', 'wss'), 'first-bytes.http'],
    ['no login', () => at('login', 'mqtt'), 'mqtt.refused-0x87'],
    [
      'a wrong password',
      () => at('login', 'mqtt'),
      'mqtt.refused-0x87',
      () => ({ login: { ...login, password: 'x' } }),
    ],
    [
      'a wrong password, MQTT 3.1.1',
      () => at('login', 'mqtt'),
      'mqtt.refused-0x05',
      () => ({ versions: [4], login: { ...login, password: 'x' } }),
    ],
    [
      'a topic that may not be published to',
      () => at('acl', 'mqtt'),
      'publish.refused',
      () => ({ publish: ['denied'] }),
    ],
    [
      'a filter that is granted and denied',
      () => at('acl', 'mqtt'),
      'publish.lost',
      () => ({ publish: ['locked/a'], subscribe: ['locked/#'] }),
    ],
    ['an expired certificate', () => at('expired', 'mqtts'), 'tls.expired', trusted],
    ['a certificate for another name', () => at('elsewhere', 'mqtts'), 'tls.wrong-name', trusted],
    ['an unknown CA', () => at('good', 'mqtts'), 'tls.incomplete-chain'],
    ['a client certificate is missing', () => at('mutual', 'mqtts'), 'tls.certificate-wanted', trusted],
    [
      'a client certificate of another CA',
      () => at('mutual', 'mqtts'),
      'tls.certificate-refused',
      () => ({ tls: { ca: ca?.cert ?? '', ...other?.issue('stranger') } }),
    ],
  ]
  for (const [planted, url, code, plan] of cases) {
    test(`mosquitto: ${planted}`, () => expectNamed(`mosquitto: ${planted}`, url(), code, plan?.()))
  }

  test('a port on which nothing listens', async () =>
    expectNamed('mosquitto: a port on which nothing listens', `mqtt://127.0.0.1:${await freePort()}`, 'tcp.refused'))

  test.each([
    ['max_packet_size, announced', 'max_packet_size 5000', 'packet-size.ok', {}],
    ['max_packet_size, not announced', 'max_packet_size 5000', 'packet-size.limit', { versions: [4] }],
    ['message_size_limit', 'message_size_limit 5000', 'packet-size.limit', {}],
  ] satisfies [string, string, string, Plan][])('%s', async (planted, setting, code, plan) => {
    await using limited = await startMosquitto({ config: [setting] })
    await expectNamed(`mosquitto: ${planted}`, limited.url, code, { ...plan, publish: ['a'] })
  })

  test('a broker that is stopped', async () => {
    await using stopped = await startMosquitto()
    stopped.signal('SIGSTOP')
    await expectNamed('mosquitto: frozen', stopped.url, 'first-bytes.silent', { patience: 500 })
    stopped.signal('SIGCONT')
  })
})

describe.skipIf(!ejabberd.version)(`ejabberd ${ejabberd.version}`, () => {
  let broker: FieldBroker
  beforeAll(async () => {
    broker = await ejabberd.start()
  }, 300_000)
  afterAll(() => broker?.[Symbol.asyncDispose]())

  const login = { username: 'field@localhost', password: 'any' }
  test.each([
    ['a user of another host', 'mqtt.refused-0x88', { login: { ...login, username: 'field@nowhere.test' } }],
    ['a filter that is denied', 'subscribe.refused', { login, subscribe: ['denied/#'] }],
    ['a filter that is denied, MQTT 3.1.1', 'subscribe.refused', { login, subscribe: ['denied/#'], versions: [4] }],
    ['a shared subscription', 'subscribe.closed', { login, subscribe: ['$share/a/field/#'] }],
    ['a topic that is denied', 'publish.refused', { login, publish: ['denied/a'] }],
    ['max_payload_size', 'packet-size.limit', { login, publish: ['field/a'], packetSize: 4_000_000 }],
  ] satisfies [string, string, Plan][])('%s', async (planted, code, plan) =>
    expectNamed(`ejabberd: ${planted}`, broker.url, code, plan),
  )
})

describe.each([
  [haproxy, 'first-bytes.closed'],
  [nginx, 'websocket.backend'],
  [stunnel, 'first-bytes.closed'],
] satisfies [ProxyProduct, string][])('$name', (product, whenDown) => {
  const { name, version, listener } = product

  test.skipIf(!version)('its broker is down', async () => {
    await using proxy = await product.start(await freePort(), 60)
    await expectNamed(`${name}: its broker is down`, proxy.url, whenDown, { ...trusting, patience: 5_000 })
  })

  test.skipIf(!version)('an idle timeout', async () => {
    await using broker = await startMosquitto({ listeners: () => ({ ws: ['protocol websockets'] }) })
    await using proxy = await product.start(broker.ports[listener] ?? 0, IDLE_TIMEOUT)
    await expectNamed(`${name}: an idle timeout of ${IDLE_TIMEOUT} s`, proxy.url, 'idle.timeout', {
      ...trusting,
      idle: true,
    })
  })
})

describe.skipIf(!nginx.version)(`nginx ${nginx.version}`, () => {
  const upgrading =
    'proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;'
  const start = async (locations: (backend: number) => string) => {
    const broker = await startMosquitto({ listeners: () => ({ ws: ['protocol websockets'] }) })
    onTestFinished(() => broker[Symbol.asyncDispose]())
    const proxy = await startNginx(locations(broker.ports['ws'] ?? 0))
    onTestFinished(() => proxy[Symbol.asyncDispose]())
    return proxy.url
  }
  const mqttOn =
    (path: string, settings = upgrading) =>
    (backend: number) =>
      `location ${path} { proxy_pass http://127.0.0.1:${backend}; ${settings} }`

  test.each([
    ['MQTT on another path', mqttOn('= /ws'), 'ws', '/mqtt', 'websocket.path'],
    ['the upgrade is not passed on', mqttOn('/', ''), 'ws', '/mqtt', 'websocket.backend'],
    ['a login in HTTP', () => 'location / { return 401; }', 'ws', '/mqtt', 'websocket.unauthorized'],
    [
      'a redirection',
      () => 'location / { return 301 https://$host$request_uri; }',
      'ws',
      '/mqtt',
      'websocket.redirection',
    ],
    [
      'the subprotocol is dropped',
      mqttOn('/', `${upgrading} proxy_hide_header Sec-WebSocket-Protocol;`),
      'ws',
      '/mqtt',
      'websocket.subprotocol',
    ],
    ['mqtt: to a web server', mqttOn('/mqtt'), 'mqtt', '', 'first-bytes.http'],
    ['mqtts: to a web server', mqttOn('/mqtt'), 'mqtts', '', 'first-bytes.http'],
  ] as const)('%s', async (planted, locations, scheme, path, code) => {
    const url = await start(locations)
    await expectNamed(`nginx: ${planted}`, url.replace(/^ws/, scheme) + path, code)
  })
})
