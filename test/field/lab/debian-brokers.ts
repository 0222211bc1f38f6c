import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { freePort } from '../../../measure/lab/ports.ts'
import { startMosquitto } from '../../support/mosquitto.ts'
import { Daemon } from './daemon.ts'
import { debianVersion, MAX_CLIENTS, MAX_PACKET, type FieldBroker, type Product } from './product.ts'

export const mosquitto: Product = {
  ...debian('mosquitto'),
  start: () => mosquittoWith([`max_packet_size ${MAX_PACKET}`]),
}

export const mosquittoMessageSizeLimit: Product = {
  ...debian('mosquitto'),
  setting: 'message_size_limit',
  start: () => mosquittoWith([`message_size_limit ${MAX_PACKET}`]),
}

export const mosquittoMaxConnections: Product = {
  ...debian('mosquitto'),
  setting: 'max_connections',
  start: () => mosquittoWith([`max_connections ${MAX_CLIENTS}`]),
}

async function mosquittoWith(settings: readonly string[]): Promise<FieldBroker> {
  const broker = await startMosquitto({
    prepare: (folder) => writeFileSync(join(folder, 'acl'), 'topic readwrite field/#\ntopic readwrite $share/#\n'),
    config: (folder) => [`acl_file ${join(folder, 'acl')}`, ...settings],
  })
  return {
    url: broker.url,
    up: () => broker.up(),
    down: () => broker.down('SIGTERM'),
    [Symbol.asyncDispose]: () => broker[Symbol.asyncDispose](),
  }
}

export const ejabberd: Product = {
  ...debian('ejabberd'),
  async start() {
    const port = await freePort()
    const server = await Daemon.start('ejabberd', (folder) => {
      const config = join(folder, 'ejabberd.yml')
      writeFileSync(config, EJABBERD(port))
      return {
        port,
        command: 'erl',
        args: ['+S', '1:1', '-noinput', '-mnesia', 'dir', `"${folder}/mnesia"`, '-s', 'ejabberd'],
        env: {
          HOME: folder,
          ERL_LIBS: '/usr/lib/x86_64-linux-gnu:/usr/lib/aarch64-linux-gnu',
          EJABBERD_CONFIG_PATH: config,
          EJABBERD_LOG_PATH: join(folder, 'ejabberd.log'),
        },
      }
    })
    // Anonymous users need a name of the host, and some password.
    return { ...listening(server), options: { username: 'field@localhost', password: 'any' } }
  },
}

const EJABBERD = (port: number) => `
hosts: [localhost]
auth_method: [anonymous]
anonymous_protocol: login_anon
allow_multiple_connections: true
listen:
  - { port: ${port}, ip: "127.0.0.1", module: mod_mqtt, max_payload_size: ${MAX_PACKET} }
modules:
  mod_mqtt:
    access_publish: { "field/#": [{ allow: all }], "#": [{ deny: all }] }
    access_subscribe: { "field/#": [{ allow: all }], "#": [{ deny: all }] }
`

export const rabbitmq: Product = {
  ...debian('rabbitmq-server'),
  name: 'RabbitMQ',
  async start() {
    const [port, epmdPort, distributionPort] = [await freePort(), await freePort(), await freePort()]
    const epmd = await Daemon.start('epmd', () => ({
      port: epmdPort,
      command: 'epmd',
      args: ['-port', String(epmdPort), '-address', '127.0.0.1'],
    }))
    const server = await Daemon.start('rabbitmq', (folder) => {
      const [config, plugins] = [join(folder, 'rabbitmq.conf'), join(folder, 'plugins')]
      writeFileSync(plugins, '[rabbitmq_mqtt].')
      writeFileSync(
        config,
        `listeners.tcp = none\nmqtt.listeners.tcp.1 = 127.0.0.1:${port}\nmqtt.allow_anonymous = true\n`,
      )
      return {
        port,
        // The one in PATH insists on the user `rabbitmq`.
        command: '/usr/lib/rabbitmq/bin/rabbitmq-server',
        args: [],
        env: {
          HOME: folder,
          ERL_EPMD_PORT: String(epmdPort),
          ERL_EPMD_ADDRESS: '127.0.0.1',
          RABBITMQ_NODENAME: 'field@localhost',
          RABBITMQ_DIST_PORT: String(distributionPort),
          RABBITMQ_MNESIA_BASE: join(folder, 'mnesia'),
          RABBITMQ_LOG_BASE: join(folder, 'log'),
          RABBITMQ_CONFIG_FILE: config,
          RABBITMQ_ENABLED_PLUGINS_FILE: plugins,
          RABBITMQ_CONF_ENV_FILE: '/dev/null',
        },
      }
    })
    return listening(server, epmd)
  },
}

/** Debian's package leaves out a library, without which it accepts connections for MQTT and never answers. */
export const activemq: Product = {
  name: 'ActiveMQ',
  version: debianVersion('libmqtt-client-java') && debianVersion('activemq'),
  howToInstall: 'sudo apt-get install activemq libmqtt-client-java',
  async start() {
    const port = await freePort()
    const server = await Daemon.start('activemq', (folder) => {
      writeFileSync(join(folder, 'activemq.xml'), ACTIVEMQ(port))
      mkdirSync(join(folder, 'lib'))
      symlinkSync('/usr/share/java/mqtt-client.jar', join(folder, 'lib', 'mqtt-client.jar'))
      const properties = Object.entries({
        'activemq.home': '/usr/share/activemq',
        'activemq.base': folder,
        'activemq.conf': folder,
        'activemq.data': join(folder, 'data'),
      })
      return {
        port,
        command: 'java',
        args: [
          '-Xmx256m',
          ...properties.map(([name, value]) => `-D${name}=${value}`),
          '-jar',
          '/usr/share/activemq/bin/activemq.jar',
          'start',
          `xbean:file:${folder}/activemq.xml`,
        ],
      }
    })
    return listening(server)
  },
}

const ACTIVEMQ = (port: number) => `
<beans xmlns="http://www.springframework.org/schema/beans" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
  xsi:schemaLocation="http://www.springframework.org/schema/beans http://www.springframework.org/schema/beans/spring-beans-2.0.xsd
    http://activemq.apache.org/schema/core http://activemq.apache.org/schema/core/activemq-core.xsd">
  <bean class="org.springframework.beans.factory.config.PropertyPlaceholderConfigurer"/>
  <broker xmlns="http://activemq.apache.org/schema/core" brokerName="field" useJmx="false">
    <persistenceAdapter><kahaDB directory="\${activemq.data}/kahadb"/></persistenceAdapter>
    <transportConnectors><transportConnector name="mqtt" uri="mqtt://127.0.0.1:${port}"/></transportConnectors>
  </broker>
</beans>
`

function debian(name: string) {
  return { name, version: debianVersion(name), howToInstall: `sudo apt-get install ${name}` }
}

function listening(server: Daemon, ...others: readonly Daemon[]): FieldBroker {
  return {
    url: `mqtt://127.0.0.1:${server.port}`,
    up: () => server.up(),
    down: () => server.down(),
    async [Symbol.asyncDispose]() {
      for (const daemon of [server, ...others]) await daemon[Symbol.asyncDispose]()
    },
  }
}
