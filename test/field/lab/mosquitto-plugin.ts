import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import type { Mosquitto } from '../../../measure/lab/mosquitto.ts'
import { startMosquitto } from '../../support/mosquitto.ts'
import { debianVersion } from './product.ts'

const source = fileURLToPath(new URL('challenge-auth.c', import.meta.url))

export const howToInstall = 'sudo apt-get install mosquitto mosquitto-dev libmosquitto-dev gcc'

/** Of mosquitto; `undefined` if it, or what its plugins need, is not installed. */
export const version =
  ['mosquitto_plugin.h', 'mosquitto.h'].every((file) => existsSync(`/usr/include/${file}`)) &&
  spawnSync('gcc', ['--version']).status === 0
    ? debianVersion('mosquitto')
    : undefined

/** A mosquitto with the method CHALLENGE: see challenge-auth.c. */
export function startChallenging(secret: string): Promise<Mosquitto> {
  return startMosquitto({
    prepare: (folder) => {
      const { status, stderr } = spawnSync('gcc', ['-shared', '-fPIC', '-o', pluginIn(folder), source], {
        encoding: 'utf8',
      })
      if (status !== 0) throw new Error(`gcc failed: ${stderr}`)
    },
    config: (folder) => [`plugin ${pluginIn(folder)}`, `plugin_opt_secret ${secret}`],
  })
}

function pluginIn(folder: string): string {
  return join(folder, 'challenge-auth.so')
}
