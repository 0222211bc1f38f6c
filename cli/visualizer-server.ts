import { InvalidOptionError } from '../src/api/errors.ts'
import { UsageError, type Values } from './command.ts'
import type { Shell } from './shell.ts'

const TOKEN = 'XSTATE_MQTT_VISUALIZER_TOKEN'

/** The options of all commands that serve the page. */
export const serverOptions = {
  port: { type: 'string', value: '<port>', description: 'the port to listen on (7878); 0 takes a free one' },
  host: {
    type: 'string',
    value: '<host>',
    description:
      'the address to listen on (127.0.0.1); if it is not a loopback address, other machines that have the token can connect',
  },
  token: {
    type: 'string',
    value: '<token>',
    description:
      'at least 16 characters (a random one). All users can read arguments in the list of processes, so set ' +
      `${TOKEN} instead`,
  },
} as const

interface ServerSettings {
  readonly port: number
  readonly host?: string
  readonly token?: string
}

/**
 * Starts a server by the options of the command line.
 *
 * @param values - texts, also of options of numbers that only this server has
 * @throws {UsageError} if the server finds an option wrong
 */
export async function startServer<Server>(
  values: Values<typeof serverOptions> & { readonly history?: string },
  { env }: Pick<Shell, 'env'>,
  start: (settings: ServerSettings) => Promise<Server>,
): Promise<Server> {
  const { port = '7878', host, history } = values
  const token = values.token ?? env[TOKEN]
  try {
    return await start({
      port: wholeNumber(port),
      ...(host !== undefined && { host }),
      ...(token !== undefined && { token }),
    })
  } catch (error) {
    if (!(error instanceof InvalidOptionError)) throw error
    const given: Readonly<Record<string, string | undefined>> = { port, host, history }
    const value = given[error.option]
    const option = error.option === 'token' && values.token === undefined ? TOKEN : `--${error.option}`
    throw new UsageError(`${option} ${error.rule}${value === undefined ? '' : `, got '${value}'`}`)
  }
}

/** Resolves at Ctrl-C. */
export async function interrupted({ signal }: AbortController): Promise<void> {
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
}

/** Accepts only digits, otherwise returns `NaN`: `Number` would accept an empty text as 0. */
export function wholeNumber(text: string): number {
  return /^\d+$/.test(text) ? Number(text) : Number.NaN
}
