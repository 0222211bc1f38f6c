import { freePort } from '../lab/ports.ts'
import type { Transport } from './peers/peer.ts'
import { runWorker, type Worker } from './run-worker.ts'

/** A process with the server of the rows that measure a client alone. */
export class ServerProcess implements AsyncDisposable {
  readonly ports: Readonly<Record<Transport, number>>
  readonly #worker: Worker

  /** Resolves when it accepts connections. */
  static async start(): Promise<ServerProcess> {
    const ports = { tcp: await freePort(), tls: await freePort(), websocket: await freePort() }
    const worker = runWorker({ kind: 'serve', ports })
    await worker.says('listening')
    return new ServerProcess(ports, worker)
  }

  private constructor(ports: ServerProcess['ports'], worker: Worker) {
    this.ports = ports
    this.#worker = worker
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#worker.tell('end')
    await this.#worker.result
  }
}
