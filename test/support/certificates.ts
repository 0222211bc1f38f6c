import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export const opensslInstalled = spawnSync('openssl', ['version']).error === undefined

export interface Certificate {
  readonly cert: string
  readonly key: string
}

export interface CertificateOptions {
  /** @default 'IP:127.0.0.1' */
  readonly altName?: string
  /** Whether it was valid until 2021. @default false: until 2126 */
  readonly expired?: boolean
}

/** A CA of a test, which issues certificates by openssl. Its files are `ca.pem` and `NAME.pem`, `NAME.key` in its folder. */
export class TestCa {
  readonly cert: string
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
    this.#openssl(
      'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=ca -keyout ca.key -out ca.pem',
    )
    for (const file of ['index.txt', 'serial']) writeFileSync(join(folder, file), file === 'serial' ? '01\n' : '')
    const section =
      'dir=.\ndatabase=index.txt\nserial=serial\nnew_certs_dir=.\ncertificate=ca.pem\nprivate_key=ca.key\n'
    const rest = 'default_md=sha256\npolicy=p\nunique_subject=no\n[p]\ncommonName=supplied\n'
    writeFileSync(join(folder, 'ca.cnf'), `[ca]\ndefault_ca=d\n[d]\n${section}${rest}`)
    this.cert = readFileSync(join(folder, 'ca.pem'), 'utf8')
  }

  issue(name: string, { altName = 'IP:127.0.0.1', expired = false }: CertificateOptions = {}): Certificate {
    const [from, to] = expired ? ['20200101000000Z', '20210101000000Z'] : ['20200101000000Z', '21260101000000Z']
    const path = (suffix: string) => join(this.#folder, `${name}.${suffix}`)
    writeFileSync(path('ext'), `subjectAltName=${altName}\n`)
    const key = `-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ${name}.key`
    this.#openssl(`req -new ${key} -subj /CN=${name} -out ${name}.csr`)
    const files = `-in ${name}.csr -out ${name}.pem -extfile ${name}.ext`
    this.#openssl(`ca -batch -notext -config ca.cnf -startdate ${from} -enddate ${to} ${files}`)
    return { cert: readFileSync(path('pem'), 'utf8'), key: readFileSync(path('key'), 'utf8') }
  }

  #openssl(args: string): void {
    execFileSync('openssl', args.split(' '), { cwd: this.#folder, stdio: 'pipe' })
  }
}
