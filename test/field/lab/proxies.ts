import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { freePort } from '../../../measure/lab/ports.ts'
import { tls } from '../../../measure/lab/tls-fixture.ts'
import { Daemon } from './daemon.ts'
import { debianVersion } from './product.ts'

/** A proxy that runs. */
export interface FieldProxy extends AsyncDisposable {
  readonly url: string
}

/** A proxy that can be tested. */
export interface ProxyProduct {
  readonly name: string
  readonly version: string | undefined
  readonly howToInstall: string
  /** Which of the broker's listeners it is put before. */
  readonly listener: 'mqtt' | 'ws'
  /**
   * @param backend - the port of the broker
   * @param idleTimeout - after which it closes a silent connection, in seconds
   */
  start(backend: number, idleTimeout: number): Promise<FieldProxy>
}

export const haproxy: ProxyProduct = {
  ...debian('haproxy'),
  listener: 'mqtt',
  start: (backend, idleTimeout) =>
    listening('mqtt', (port, folder) => {
      const config = join(folder, 'haproxy.cfg')
      writeFileSync(
        config,
        `defaults
  mode tcp
  timeout connect 1s
  timeout client ${idleTimeout}s
  timeout server ${idleTimeout}s
listen mqtt
  bind 127.0.0.1:${port}
  server broker 127.0.0.1:${backend}
`,
      )
      return ['haproxy', '-db', '-f', config]
    }),
}

export const nginx: ProxyProduct = {
  ...debian('nginx'),
  listener: 'ws',
  start: (backend, idleTimeout) =>
    startNginx(`
    location / {
      proxy_pass http://127.0.0.1:${backend};
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection upgrade;
      proxy_read_timeout ${idleTimeout}s;
    }`),
}

/** An nginx for WebSockets. @param locations - of its only server */
export function startNginx(locations: string): Promise<FieldProxy> {
  return listening('ws', (port, folder) => {
    const config = join(folder, 'nginx.conf')
    const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
      (name) => `${name}_temp_path ${folder}/${name};`,
    )
    writeFileSync(
      config,
      `daemon off;
master_process off;
pid ${folder}/nginx.pid;
events {}
http {
  access_log off;
  ${paths.join('\n  ')}
  server {
    listen 127.0.0.1:${port};
    ${locations}
  }
}
`,
    )
    return ['nginx', '-e', 'stderr', '-p', folder, '-c', config]
  })
}

export const stunnel: ProxyProduct = {
  ...debian('stunnel4'),
  name: 'stunnel',
  listener: 'mqtt',
  start: (backend, idleTimeout) =>
    listening('mqtts', (port, folder) => {
      const [config, certificate] = [join(folder, 'stunnel.conf'), join(folder, 'certificate.pem')]
      writeFileSync(certificate, `${String(tls.cert)}${String(tls.key)}`, { mode: 0o600 })
      writeFileSync(
        config,
        `foreground = yes
pid =
TIMEOUTidle = ${idleTimeout}
[mqtt]
accept = 127.0.0.1:${port}
connect = 127.0.0.1:${backend}
cert = ${certificate}
`,
      )
      return ['stunnel4', config]
    }),
}

function debian(name: string) {
  return { name, version: debianVersion(name), howToInstall: `sudo apt-get install ${name}` }
}

async function listening(
  scheme: string,
  configure: (port: number, folder: string) => readonly [command: string, ...args: string[]],
): Promise<FieldProxy> {
  const port = await freePort()
  const daemon = await Daemon.start(scheme, (folder) => {
    const [command, ...args] = configure(port, folder)
    return { port, command, args }
  })
  return { url: `${scheme}://127.0.0.1:${port}`, [Symbol.asyncDispose]: () => daemon[Symbol.asyncDispose]() }
}
