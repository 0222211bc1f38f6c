import type { IClientOptions } from 'mqtt'

import type { DuplexStream, SocketSource } from '../src/api/socket.ts'
import { loadSocks } from './socks.ts'

/** Opens a stream to the server, such as the `streamBuilder` of `new MqttClient`. */
export type OpenStream = () => DuplexStream

/** How the socket is opened, if it is not a new connection to the host of the URL. */
export function socketSource(options: IClientOptions, openStream: OpenStream | undefined): SocketSource | undefined {
  if (openStream) return openStream
  const { unixSocket, path, socksTimeout: timeout } = options
  if (unixSocket) return () => process.getBuiltinModule('node:net').connect({ path: path ?? '' })
  const proxy = options.socksProxy === undefined ? socksProxyOfEnvironment() : options.socksProxy
  if (!proxy) return undefined
  return async ({ host, port }) => (await loadSocks())(host, port, proxy, { timeout })
}

function socksProxyOfEnvironment(): string | undefined {
  return typeof process === 'undefined' ? undefined : process.env?.['MQTTJS_SOCKS_PROXY']
}
