import { spawnSync } from 'node:child_process'

import type { ConnectOptions } from '../../../src/index.ts'

/** A broker that runs. */
export interface FieldBroker extends AsyncDisposable {
  readonly url: string
  /** What every client needs, such as a user name. */
  readonly options?: ConnectOptions
  /** Resolves when it accepts connections. Its sessions are kept if it keeps any on disk. */
  up(): Promise<void>
  /** Ends it as an administrator would. */
  down(): Promise<void>
}

/** A broker that can be tested. It denies subscriptions to `denied/…`, and packets above 2 MB, if it can be told to. */
export interface Product {
  readonly name: string
  /** The version that is, or will be, installed; `undefined` if it is not installed. */
  readonly version: string | undefined
  /** A command. */
  readonly howToInstall: string
  /** What it is configured to limit, if it is started in several ways. */
  readonly setting?: string
  start(): Promise<FieldBroker>
}

/** The largest packet that a broker of the field tests accepts, if it has such a setting. In bytes. */
export const MAX_PACKET = 2_000_000

/** How many clients a broker accepts at a time, if it is configured to limit them. */
export const MAX_CLIENTS = 2

/** The upstream version of an installed Debian package. */
export function debianVersion(name: string): string | undefined {
  const { status, stdout } = spawnSync('dpkg-query', ['-W', '-f', '${db:Status-Status} ${Version}', name], {
    encoding: 'utf8',
  })
  const [, version] = /^installed (?:\d+:)?([\d.]+)/.exec(status === 0 ? stdout : '') ?? []
  return version
}
