import type { ConnectConfig } from './client-config.ts'
import { defaultKeepAlive } from './defaults.ts'

/** The keep alive of a connection to `url`, in milliseconds; 0 if it is off. */
export function keepAliveOf(url: string, { keepalive }: Pick<ConnectConfig, 'keepalive'>): number {
  return keepalive ?? (/^wss?:/i.test(url) ? defaultKeepAlive.webSocket : defaultKeepAlive.tcp)
}
