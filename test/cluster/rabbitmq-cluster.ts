import { execFile } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

import { TemporaryFolder } from '../../measure/lab/cleanup.ts'
import { freePort } from '../../measure/lab/ports.ts'
import { Daemon } from '../field/lab/daemon.ts'
import { debianVersion } from '../field/lab/product.ts'

export const version = debianVersion('rabbitmq-server')
export const howToInstall = 'RabbitMQ is not installed: sudo apt-get install rabbitmq-server'

/** The scripts in PATH insist on the user `rabbitmq`. */
const BIN = '/usr/lib/rabbitmq/bin'
const run = promisify(execFile)

interface Node {
  readonly name: string
  readonly daemon: Daemon
  readonly env: Readonly<Record<string, string>>
}

/**
 * A cluster of three nodes on loopback ports, with an epmd, a cookie and folders of its own. Queues of kept sessions are quorum
 * queues, and a node without a majority stops serving.
 */
export class RabbitmqCluster implements AsyncDisposable {
  readonly #folder: TemporaryFolder
  readonly #epmd: Daemon
  readonly #nodes: readonly Node[]

  static async start(): Promise<RabbitmqCluster> {
    const folder = new TemporaryFolder('rabbitmq-cluster')
    // Erlang reads the cookie from the home directory.
    writeFileSync(join(folder.path, '.erlang.cookie'), COOKIE, { mode: 0o400 })
    const port = await freePort()
    const epmd = await Daemon.start('epmd', () => ({
      port,
      command: 'epmd',
      args: ['-port', String(port), '-address', '127.0.0.1'],
    }))
    const names = [1, 2, 3].map((n) => `node${n}@localhost`)
    const nodes: Node[] = []
    try {
      // One after the other: the first forms the cluster, which the others join.
      for (const name of names) nodes.push(await startNode(name, names, folder.path, port))
    } catch (error) {
      for (const { daemon } of nodes) await daemon.kill()
      await epmd[Symbol.asyncDispose]()
      throw error
    }
    return new RabbitmqCluster(folder, epmd, nodes)
  }

  private constructor(folder: TemporaryFolder, epmd: Daemon, nodes: readonly Node[]) {
    this.#folder = folder
    this.#epmd = epmd
    this.#nodes = nodes
  }

  get urls(): string[] {
    return this.#nodes.map(({ daemon }) => `mqtt://127.0.0.1:${daemon.port}`)
  }

  /** Ends a node with SIGKILL. */
  async kill(node: number): Promise<void> {
    await this.#node(node).daemon.kill()
  }

  /** Starts a node again. Resolves when it serves clients, and the cluster is whole. */
  async up(node: number): Promise<void> {
    await this.#node(node).daemon.up()
    await this.#ctl(node, 'await_startup')
    await this.whole()
  }

  /** Resolves when all nodes run and see each other. */
  async whole(): Promise<void> {
    for (const node of this.#nodes.keys()) await this.#ctl(node, 'await_online_nodes', String(this.#nodes.length))
  }

  /**
   * Cuts a node off from the others: it forgets their cookie, so that neither side can open a connection to the other one, and
   * closes those that are open. For the cluster this is like a network that refuses connections between them.
   */
  async cutOff(node: number): Promise<void> {
    await this.#eval(
      node,
      `[begin erlang:set_cookie(N, wrong), erlang:disconnect_node(N) end || N <- ${this.#others(node)}].`,
    )
  }

  /** Ends `cutOff`. Resolves when the cluster is whole. */
  async heal(node: number): Promise<void> {
    await this.#eval(node, `[erlang:set_cookie(N, ${COOKIE}) || N <- ${this.#others(node)}].`)
    await this.whole()
  }

  /** Raises the memory alarm of a node, with which all nodes stop reading from clients that publish. */
  async raiseMemoryAlarm(node: number): Promise<void> {
    await this.#ctl(node, 'set_vm_memory_high_watermark', 'absolute', '1')
  }

  async clearMemoryAlarm(node: number): Promise<void> {
    await this.#ctl(node, 'set_vm_memory_high_watermark', '0.4')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Their state is thrown away, so they need not end in order.
    for (const { daemon } of this.#nodes) await daemon.kill()
    for (const { daemon } of this.#nodes) await daemon[Symbol.asyncDispose]()
    await this.#epmd[Symbol.asyncDispose]()
    this.#folder[Symbol.dispose]()
  }

  #node(index: number): Node {
    const node = this.#nodes[index]
    if (!node) throw new Error(`There is no node ${index}`)
    return node
  }

  #others(node: number): string {
    const names = this.#nodes.filter((_, index) => index !== node).map(({ name }) => `'${name}'`)
    return `[${names.join(', ')}]`
  }

  #eval(node: number, expression: string): Promise<void> {
    return this.#ctl(node, 'eval', expression)
  }

  async #ctl(node: number, ...args: readonly string[]): Promise<void> {
    const { name, env } = this.#node(node)
    await run(join(BIN, 'rabbitmqctl'), ['--node', name, '--timeout', '120', ...args], {
      env: { ...process.env, ...env },
    })
  }
}

const COOKIE = 'xstatemqttcluster'

async function startNode(name: string, names: readonly string[], home: string, epmdPort: number): Promise<Node> {
  const [port, distributionPort] = [await freePort(), await freePort()]
  const folder = join(home, name)
  mkdirSync(folder)
  const [config, plugins] = [join(folder, 'rabbitmq.conf'), join(folder, 'plugins')]
  writeFileSync(plugins, '[rabbitmq_mqtt].')
  writeFileSync(
    config,
    [
      'listeners.tcp = none',
      `mqtt.listeners.tcp.1 = 127.0.0.1:${port}`,
      'mqtt.allow_anonymous = true',
      'mqtt.durable_queue_type = quorum',
      'cluster_partition_handling = pause_minority',
      'cluster_formation.peer_discovery_backend = classic_config',
      ...names.map((each, n) => `cluster_formation.classic_config.nodes.${n + 1} = ${each}`),
      '',
    ].join('\n'),
  )
  const env = {
    HOME: home,
    ERL_EPMD_PORT: String(epmdPort),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    RABBITMQ_NODENAME: name,
    RABBITMQ_DIST_PORT: String(distributionPort),
    RABBITMQ_MNESIA_BASE: join(folder, 'mnesia'),
    RABBITMQ_LOG_BASE: join(folder, 'log'),
    RABBITMQ_CONFIG_FILE: config,
    RABBITMQ_ENABLED_PLUGINS_FILE: plugins,
    RABBITMQ_CONF_ENV_FILE: '/dev/null',
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-kernel inet_dist_use_interface {127,0,0,1} +S 1:1',
  }
  const daemon = await Daemon.start('rabbitmq', () => ({
    port,
    command: join(BIN, 'rabbitmq-server'),
    args: [],
    env,
    readyWithin: 180_000,
  }))
  return { name, daemon, env }
}
