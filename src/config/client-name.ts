import { withoutSecrets } from '../shared/redaction.ts'
import { isPrintable } from '../shared/safe-text.ts'
import type { ConnectConfig, ConnectSource } from './client-config.ts'

const MAX_NAME = 100

export function isName(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= MAX_NAME && isPrintable(value)
}

/**
 * The name of a client without the option `name`: its client id, if that is fixed. A generated one would be another after
 * each start, and one that looks like a secret would show in log lines.
 */
export function defaultName(connect: ConnectConfig | ConnectSource): string | undefined {
  const clientId = typeof connect === 'function' ? undefined : connect.clientId
  return isName(clientId) && withoutSecrets(clientId) === clientId ? clientId : undefined
}
