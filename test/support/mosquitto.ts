import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'

import { Mosquitto, mosquittoEnv, type MosquittoOptions } from '../../measure/lab/mosquitto.ts'

const env = mosquittoEnv()

const PLUGINS = ['/usr/lib/x86_64-linux-gnu', '/usr/lib/aarch64-linux-gnu', '/usr/lib'].map(
  (folder) => `${folder}/mosquitto_dynamic_security.so`,
)

export const installed = spawnSync('mosquitto', ['-h'], { env }).error === undefined

export const howToInstall = 'mosquitto is not installed: sudo apt-get install mosquitto'

/** A mosquitto that persists its sessions, and accepts everyone. */
export function startMosquitto({ config = [], ...options }: MosquittoOptions = {}): Promise<Mosquitto> {
  return Mosquitto.start({
    config: (folder) => [
      'per_listener_settings false',
      'allow_anonymous true',
      'log_dest stderr',
      'persistence true',
      `persistence_location ${folder}/`,
      'autosave_interval 1',
      'autosave_on_changes true',
      ...(typeof config === 'function' ? config(folder) : config),
    ],
    ...options,
  })
}

/** Makes a password file with one user. */
export function writePassword(file: string, user: string, password: string): void {
  execFileSync('mosquitto_passwd', ['-b', '-c', file, user, password], { env, stdio: 'ignore' })
}

/** The path of the dynamic security plugin, with the tool that goes with it. */
export function dynamicSecurity(): { readonly plugin: string; run: (args: readonly string[]) => void } | undefined {
  const plugin = PLUGINS.find((path) => existsSync(path))
  if (!plugin || spawnSync('mosquitto_ctrl', ['--help'], { env }).error) return undefined
  return {
    plugin,
    run: (args) => void execFileSync('mosquitto_ctrl', [...args], { env, stdio: 'pipe', timeout: 10_000 }),
  }
}
