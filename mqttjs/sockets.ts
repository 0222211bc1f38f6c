import type { IClientOptions } from 'mqtt'

import type { DuplexStream, SocketSource } from '../src/api/socket.ts'

/** Opens a stream to the server, such as the `streamBuilder` of `new MqttClient`. */
export type OpenStream = () => DuplexStream

type OpenSocks = (host: string, port: number, proxy: string, options: { timeout: number | undefined }) => DuplexStream

/** How the socket is opened, if it is not a new connection to the host of the URL. */
export function socketSource(options: IClientOptions, openStream: OpenStream | undefined): SocketSource | undefined {
  if (openStream) return openStream
  const { unixSocket, path, socksTimeout: timeout } = options
  if (unixSocket) return () => requireInNode<NetModule>('node:net').connect({ path: path ?? '' })
  const proxy = options.socksProxy ?? socksProxyOfEnvironment()
  if (!proxy) return undefined
  const { default: open } = requireInNode<{ readonly default: OpenSocks }>('mqtt/lib/connect/socks')
  return ({ host, port }) => open(host, port, proxy, { timeout })
}

interface NetModule {
  connect(options: { readonly path: string }): DuplexStream
}

function socksProxyOfEnvironment(): string | undefined {
  return typeof process === 'undefined' ? undefined : process.env?.['MQTTJS_SOCKS_PROXY']
}

/** Not an import, because bundles for browsers must not look for these modules. */
function requireInNode<Module>(name: string): Module {
  const { createRequire } = process.getBuiltinModule('node:module')
  return createRequire(import.meta.url)(name) as Module
}
