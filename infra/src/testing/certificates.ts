import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A PEM file, as settings want it (`path`) and as TLS libraries want it (`pem`). */
export interface PemFile {
  path: string
  pem: string
}
export interface KeyPair {
  cert: PemFile
  key: PemFile
}

/** An authority of its own in a temporary folder, and what it signs. Needs the command `openssl`. */
export interface Certificates {
  ca: PemFile
  /** For 127.0.0.1, ::1 and localhost. */
  serverCert: PemFile
  serverKey: PemFile
  /** Another certificate for the same server, with a key of its own. */
  server: () => KeyPair
  expiredServer: () => KeyPair
  client: (commonName: string) => KeyPair
  expiredClient: (commonName: string) => KeyPair
  /** Signed by `foreignCa`, which nobody here trusts. */
  foreignClient: (commonName: string) => KeyPair
  foreignCa: PemFile
  /** Deletes the folder. */
  remove: () => void
}

const SERVER_NAMES = 'subjectAltName=IP:127.0.0.1,IP:::1,DNS:localhost\nextendedKeyUsage=serverAuth\n'
const CLIENT_USE = 'extendedKeyUsage=clientAuth\n'

/** @throws when `openssl` is not installed: ask `toolMissing('openssl')` first */
export function createCertificates(): Certificates {
  const dir = mkdtempSync(join(tmpdir(), 'telltale-certificates-'))
  const issuer = new Issuer(dir, 'ca')
  const foreign = new Issuer(dir, 'foreign-ca')
  const server = () => issuer.issue({ commonName: 'localhost', extensions: SERVER_NAMES, days: 30 })
  const clientOf = (from: Issuer, days: number) => (commonName: string) =>
    from.issue({ commonName, extensions: CLIENT_USE, days })
  const { cert: serverCert, key: serverKey } = server()
  return {
    ca: issuer.ca,
    serverCert,
    serverKey,
    server,
    expiredServer: () => issuer.issue({ commonName: 'localhost', extensions: SERVER_NAMES, days: -1 }),
    client: clientOf(issuer, 30),
    expiredClient: clientOf(issuer, -1),
    foreignClient: clientOf(foreign, 30),
    foreignCa: foreign.ca,
    remove: () => rmSync(dir, { recursive: true, force: true }),
  }
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']

class Issuer {
  readonly ca: PemFile
  readonly #dir: string
  readonly #name: string
  #issued = 0

  constructor(dir: string, name: string) {
    this.#dir = dir
    this.#name = name
    const [key, cert] = [this.#path('key'), this.#path('pem')]
    openssl(['req', '-x509', ...NEW_KEY, '-keyout', key, '-out', cert, '-days', '30', '-subj', `/CN=${name}`])
    this.ca = pemFile(cert)
  }

  issue(wanted: { commonName: string; extensions: string; days: number }): KeyPair {
    this.#issued += 1
    const path = (ending: string) => this.#path(`${this.#issued}.${ending}`)
    const [key, request, extensions, cert] = [path('key'), path('csr'), path('ext'), path('pem')]
    openssl(['req', ...NEW_KEY, '-keyout', key, '-out', request, '-subj', `/CN=${wanted.commonName}`])
    writeFileSync(extensions, wanted.extensions)
    openssl([
      ...['x509', '-req', '-in', request, '-CA', this.ca.path, '-CAkey', this.#path('key')],
      ...['-set_serial', String(this.#issued), '-days', String(wanted.days)],
      ...['-extfile', extensions, '-out', cert],
    ])
    return { cert: pemFile(cert), key: pemFile(key) }
  }

  #path(ending: string): string {
    return join(this.#dir, `${this.#name}.${ending}`)
  }
}

function pemFile(path: string): PemFile {
  return { path, pem: readFileSync(path, 'utf8') }
}

function openssl(args: string[]): void {
  execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] })
}
