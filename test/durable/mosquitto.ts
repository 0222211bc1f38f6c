import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { connect, createServer, type AddressInfo } from 'node:net'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { onTestFinished } from 'vitest'

import { temporaryFolder } from './harness.ts'

const env = { ...process.env, PATH: [process.env['PATH'], '/usr/sbin', '/usr/local/sbin'].join(delimiter) }

export const mosquittoInstalled = spawnSync('mosquitto', ['-h'], { env }).error === undefined

/** A mosquitto that drops nothing, until the end of the test. @returns its URL */
export async function startMosquitto(): Promise<string> {
  const config = join(temporaryFolder(), 'mosquitto.conf')
  const port = await freePort()
  const lines = ['allow_anonymous true', 'max_queued_messages 0', 'max_inflight_messages 0', 'set_tcp_nodelay true']
  writeFileSync(config, [`listener ${port} 127.0.0.1`, 'user root', ...lines, ''].join('\n'))
  const broker = spawn('mosquitto', ['-c', config], { env, stdio: 'ignore' })
  onTestFinished(() => void broker.kill('SIGKILL'))
  while (!(await listens(port))) {
    if (broker.exitCode !== null) throw new Error(`mosquitto ended with ${broker.exitCode}`)
    await sleep(10)
  }
  return `mqtt://127.0.0.1:${port}`
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    const end = (listening: boolean) => {
      socket.destroy()
      resolve(listening)
    }
    socket.once('connect', () => end(true)).once('error', () => end(false))
  })
}
