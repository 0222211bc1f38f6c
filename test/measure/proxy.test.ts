import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { expect, test, vi } from 'vitest'

import { Proxy } from '../../measure/lab/proxy.ts'

test('knows the sockets that its client holds, and the most at one time', async () => {
  await using scene = await opened()
  const { proxy } = scene
  const first = await scene.socket()
  const second = await scene.socket()
  await vi.waitFor(() => expect(proxy.heldSockets).toBe(2))
  first.destroy()
  await vi.waitFor(() => expect(proxy.heldSockets).toBe(1))
  second.destroy()
  await vi.waitFor(() => expect(proxy.heldSockets).toBe(0))
  expect(proxy.mostSockets).toBe(2)
})

test('tells when the broker has taken a connection, and not when there is no broker', async () => {
  const onTaken = vi.fn<() => void>()
  await using scene = await opened(onTaken)
  await scene.socket()
  await vi.waitFor(() => expect(onTaken).toHaveBeenCalledTimes(1))
  await scene.close()
  const refused = await scene.socket()
  await once(refused, 'close')
  expect(onTaken).toHaveBeenCalledTimes(1)
})

async function opened(onTaken: () => void = () => {}) {
  const broker = createServer((socket) => socket.on('error', () => {}).resume())
  await new Promise<void>((resolve) => broker.listen(0, '127.0.0.1', resolve))
  const proxy = await Proxy.start({ target: (broker.address() as { port: number }).port, onTaken })
  const close = async () => {
    proxy.reset()
    await new Promise((resolve) => broker.close(resolve))
  }
  return {
    proxy,
    close,
    socket: async () => {
      const socket = connect(proxy.port, '127.0.0.1').on('error', () => {})
      await once(socket, 'connect')
      return socket
    },
    [Symbol.asyncDispose]: async () => {
      await close()
      await proxy[Symbol.asyncDispose]()
    },
  }
}
