import type { Options, Values } from './command.ts'

const group = 'Connection'

/** The flags of all commands that connect to a broker. Where mosquitto_sub has such a flag, its names work as well. */
export const connectionFlags = {
  url: {
    type: 'string',
    short: 'L',
    value: '<url>',
    description: 'the broker: mqtt://, mqtts://, ws:// or wss://',
    group,
  },
  host: { type: 'string', short: 'h', value: '<host>', description: 'instead of --url: the host of the broker', group },
  port: {
    type: 'string',
    short: 'p',
    value: '<port>',
    description: 'with --host: the port (1883). With 8883, --ca or --cert, the connection uses TLS',
    group,
  },
  username: {
    type: 'string',
    short: 'u',
    value: '<name>',
    description: 'the user name, if it is not in the URL',
    group,
  },
  'password-file': {
    type: 'string',
    value: '<path>',
    description: 'the password is the first line of this file, or the variable MQTT_PASSWORD. It is never an argument',
    group,
  },
  ca: {
    type: 'string',
    aliases: ['cafile'],
    value: '<path>',
    description: 'a PEM file with the certificate authorities to trust, instead of those of Node',
    group,
  },
  cert: { type: 'string', value: '<path>', description: 'a PEM file with the certificate of this client', group },
  key: { type: 'string', value: '<path>', description: 'a PEM file with its private key', group },
  servername: {
    type: 'string',
    value: '<name>',
    description: 'the name that the certificate of the broker must have, if it is not the host of the URL',
    group,
  },
  insecure: {
    type: 'boolean',
    description: 'accepts any certificate of the broker: for tests only, because anyone in between can read everything',
    group,
  },
  protocol: {
    type: 'string',
    short: 'V',
    aliases: ['protocol-version'],
    value: '<version>',
    description: '3.1.1, 5 or auto, which is MQTT 5 if the broker takes it (auto)',
    group,
  },
  'client-id': {
    type: 'string',
    short: 'i',
    aliases: ['id'],
    value: '<id>',
    description: 'the client id (a generated one)',
    group,
  },
  keepalive: {
    type: 'string',
    short: 'k',
    value: '<time>',
    description: 'the keep alive, such as 2m or a number of seconds; 0 turns it off',
    group,
  },
  'will-topic': {
    type: 'string',
    value: '<topic>',
    description: 'the topic of the message that the broker publishes if this client dies',
    group,
  },
  'will-payload': { type: 'string', value: '<text>', description: 'its payload (empty)', group },
  'will-qos': { type: 'string', value: '<0|1|2>', description: 'its QoS (0)', group },
  'will-retain': { type: 'boolean', description: 'whether it is retained', group },
  config: {
    type: 'string',
    value: '<path>',
    description: "a JSON file with the client's options (XSTATE_MQTT_CONFIG, or xstate-mqtt.json in ~/.config)",
    group,
  },
} as const satisfies Options

export type ConnectionValues = Values<typeof connectionFlags>

export const PASSWORD_ADVICE =
  'a password is never an argument: all users of this machine could read it in the list of processes. ' +
  'Set MQTT_PASSWORD, or use --password-file'

/** For the `refused` options of a command. */
export const refusedConnectionFlags = {
  '--password': PASSWORD_ADVICE,
  '--pw': PASSWORD_ADVICE,
  '-P': PASSWORD_ADVICE,
} as const

/** The flags that the help of a command explains in its notes: how they are found elsewhere. */
export const CONNECTION_NOTES = [
  'Each connection flag with a value can be an environment variable instead: MQTT_URL, MQTT_USERNAME, MQTT_CLIENT_ID and so',
  'on. A flag comes before the variable, and the variable before the config file.',
].join('\n')

/** A value of the command line or of the environment. */
export interface Given {
  readonly text: string
  /** Where it comes from, for errors: `--ca` or `MQTT_CA`. */
  readonly from: string
  readonly isFlag: boolean
}

type Name = Exclude<keyof typeof connectionFlags, 'insecure' | 'will-retain' | 'config' | 'host' | 'port'> | 'password'

/** Finds a value: that of the flag, else that of the environment variable. A password has only the variable. */
export type Find = (name: Name) => Given | undefined

export function findIn(values: ConnectionValues, env: Readonly<Record<string, string | undefined>>): Find {
  return (name) => {
    const text = name === 'password' ? undefined : values[name]
    if (text !== undefined) return { text, from: `--${name}`, isFlag: true }
    const variable = `MQTT_${name.toUpperCase().replaceAll('-', '_')}`
    const set = env[variable]
    // An empty one counts as not set, as in a script that passes on a variable of its own.
    return set === undefined || set === '' ? undefined : { text: set, from: variable, isFlag: false }
  }
}
