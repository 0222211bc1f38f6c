import type { MqttClient } from 'mqtt'

interface Address {
  readonly address: string
  readonly family: number
}

type Found = (error: Error | null, address: string | readonly Address[], family?: number) => void

/** The option `lookup` of Node's sockets, with the signature of `dns.lookup`. */
export type Lookup = (hostname: string, options: { readonly all?: boolean }, found: Found) => void

/** The option `onread` of Node's sockets. */
export interface OnRead {
  readonly buffer: Uint8Array
  readonly callback: (size: number, buffer: Uint8Array) => boolean
}

/** The parts of Node's modules that are used here. */
interface NodeModules {
  readonly buffer: { readonly Buffer: BufferConstructor }
  readonly dns: { readonly lookup: Lookup }
  readonly net: {
    connect(options: {
      readonly host: string
      readonly port: number
      readonly lookup?: Lookup
      readonly onread?: OnRead
    }): MqttClient['stream']
    isIP(host: string): number
  }
  readonly tls: {
    connect(options: object): MqttClient['stream']
  }
}

/** A module of Node, which a bundle for browsers does not need to contain; `undefined` in a browser. */
export function nodeModule<Name extends keyof NodeModules>(name: Name): NodeModules[Name] | undefined {
  if (typeof process === 'undefined') return undefined
  return process.getBuiltinModule?.(name) as NodeModules[Name] | undefined
}
