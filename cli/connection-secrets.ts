import { createSecureContext, type SecureContextOptions } from 'node:tls'

import type { ConnectOptions, TlsOptions } from '../src/api/options.ts'
import { userInfo } from '../src/config/server-urls.ts'
import { parseUrl } from '../src/shared/parse-url.ts'
import { UsageError } from './command.ts'
import { firstLine, readText } from './config-file.ts'
import type { ConnectionValues, Find, Given } from './connection-flags.ts'

type Login = Pick<ConnectOptions, 'username' | 'password'>

/** What may have a user name beside the flags and the variables. */
export interface LoginSources {
  /** The URL of the command line or the environment. */
  readonly target: Given | undefined
  /** What the config file has, if it is for this broker. */
  readonly file: Login & { readonly urls: readonly string[] }
}

/**
 * The user name and the password that go beside the URL. The user name is left out if the URL has it.
 *
 * @throws {UsageError}
 */
export function loginOf(find: Find, { target, file }: LoginSources): Login {
  const name = find('username')
  const ofTarget = target && userOf([target.text])
  // A flag comes before a variable.
  const isReplaced = name?.isFlag === false && target?.isFlag === true && ofTarget !== undefined
  const userOfFile = file.username ?? userOf(file.urls)
  const user = (isReplaced ? undefined : name?.text) ?? ofTarget ?? userOfFile
  const path = find('password-file')
  // MQTT 3.1.1 §3.1.2.9: no password without a user name. The file has been checked for that.
  if (user === undefined) {
    if (path?.isFlag) throw new UsageError('--password-file needs --username, or a user name in the URL')
    return file.password === undefined ? {} : { password: file.password }
  }
  // The password of another user is of no use, and none of this broker's business.
  const ofFile = user === userOfFile ? file.password : undefined
  const password = path ? firstLine(readText(path.from, path.text)) : (find('password')?.text ?? ofFile)
  const isInUrl = user === (target ? ofTarget : userOf(file.urls))
  return { ...(!isInUrl && { username: user }), ...(password !== undefined && { password }) }
}

/** The user name that all URLs have. */
function userOf(urls: readonly string[]): string | undefined {
  const users = new Set(urls.map((url) => parseUrl(url)?.username ?? ''))
  const [user = ''] = users
  if (users.size !== 1) return undefined
  try {
    return userInfo(user)
  } catch {
    // The check of the options says that the URL is not encoded correctly.
    return undefined
  }
}

/** @returns `undefined` if nothing concerns TLS. @throws {UsageError} */
export function tlsOf(
  values: ConnectionValues,
  find: Find,
  { fromFile, target }: { readonly fromFile: TlsOptions | undefined; readonly target: Given | undefined },
): TlsOptions | undefined {
  const [ca, cert, key, servername] = [find('ca'), find('cert'), find('key'), find('servername')]
  if (cert && !key && !fromFile?.key) throw new UsageError(`${cert.from} needs --key, which may be the same file`)
  if (key && !cert && !fromFile?.cert) throw new UsageError(`${key.from} needs --cert, which may be the same file`)
  const flag = [ca, cert, key, servername].find((each) => each?.isFlag)?.from ?? (values.insecure && '--insecure')
  const scheme = parseUrl(target?.text ?? '')?.protocol
  if (flag && (scheme === 'mqtt:' || scheme === 'ws:')) {
    throw new UsageError(`${flag} needs ${scheme.replace(':', 's:')}, because ${scheme} has no TLS`)
  }
  const tls = {
    ...fromFile,
    ...(ca && { ca: readText(ca.from, ca.text) }),
    ...(cert && { cert: readText(cert.from, cert.text) }),
    ...(key && { key: readText(key.from, key.text) }),
    ...(servername && { servername: servername.text }),
    ...(values.insecure && { rejectUnauthorized: false }),
  }
  const given = [ca, cert, key].flatMap((each) => each?.from ?? [])
  if (given.length > 0) checkPem(given.join(', '), tls)
  return Object.keys(tls).length > 0 ? tls : undefined
}

/** An attempt would fail like this each time. */
function checkPem(from: string, { ca, cert, key, passphrase }: TlsOptions): void {
  try {
    createSecureContext({ ca, cert, key, passphrase } as SecureContextOptions)
  } catch (error) {
    throw new UsageError(`${from}: not PEM files that belong together: ${(error as Error).message}`)
  }
}
