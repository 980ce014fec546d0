import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createSecureContext } from 'node:tls'
import { limits } from './limits.ts'

/** Paths of PEM files. */
export interface TlsFiles {
  cert: string
  key: string
  clientCa?: string | undefined
}

/** What the files hold. */
export interface TlsMaterial {
  cert: string
  key: string
  clientCa?: string
  expiresAt: Date
}

/** Either usable files, or one sentence for each thing that is wrong, naming the setting. */
export type TlsReading = { material: TlsMaterial } | { problems: string[] }

const SETTINGS = {
  cert: 'TELLTALE_TLS_CERT',
  key: 'TELLTALE_TLS_KEY',
  clientCa: 'TELLTALE_TLS_CLIENT_CA',
} as const
const DAY_MS = 86_400_000

export function readTlsFiles(files: TlsFiles): TlsReading {
  const problems: string[] = []
  const cert = read(files, 'cert', problems)
  const key = read(files, 'key', problems)
  const clientCa = files.clientCa === undefined ? undefined : read(files, 'clientCa', problems)
  const certificate = cert === undefined ? undefined : parseCertificate(cert)
  if (cert !== undefined && !certificate)
    problems.push(`${SETTINGS.cert}: ${files.cert} holds no PEM certificate`)
  const privateKey = key === undefined ? undefined : parseKey(key)
  if (key !== undefined && !privateKey)
    problems.push(`${SETTINGS.key}: ${files.key} holds no PEM private key that opens without a passphrase`)
  if (certificate && privateKey && !certificate.checkPrivateKey(privateKey))
    problems.push(`${SETTINGS.key}: ${files.key} is not the key of the certificate in ${files.cert}`)
  if (clientCa !== undefined && !areCertificates(clientCa))
    problems.push(`${SETTINGS.clientCa}: ${files.clientCa} does not hold PEM certificates only`)
  if (problems.length > 0 || !cert || !key || !certificate) return { problems }
  const reason = whyUnusable({ cert, key, ca: clientCa })
  if (reason) return { problems: [`${SETTINGS.cert}: ${files.cert} cannot be used: ${reason}`] }
  const expiresAt = new Date(certificate.validTo)
  return { material: { cert, key, ...(clientCa === undefined ? {} : { clientCa }), expiresAt } }
}

/** A certificate that clients will refuse, or soon; it is served all the same, because some do not look. */
export function expiryWarning(expiresAt: Date, now: Date): string | undefined {
  const leftMs = expiresAt.getTime() - now.getTime()
  if (leftMs <= 0) return `the TLS certificate expired on ${expiresAt.toISOString()}: clients refuse it`
  if (leftMs > limits.listeners.tlsExpiryWarningDays * DAY_MS) return undefined
  return `the TLS certificate expires on ${expiresAt.toISOString()}: replace its file, no restart is needed`
}

function read(files: TlsFiles, which: keyof TlsFiles, problems: string[]): string | undefined {
  try {
    return readFileSync(files[which] ?? '', 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    problems.push(`${SETTINGS[which]}: cannot read ${files[which]} (${code})`)
    return undefined
  }
}

function parseCertificate(pem: string): X509Certificate | undefined {
  try {
    return pem.includes('-----BEGIN') ? new X509Certificate(pem) : undefined
  } catch {
    return undefined
  }
}

function parseKey(pem: string): KeyObject | undefined {
  try {
    return createPrivateKey(pem)
  } catch {
    return undefined
  }
}

/** All of them: an authority that TLS skipped without a word would lock its devices out. */
function areCertificates(pem: string): boolean {
  const blocks = pem.match(/-----BEGIN [^-]+-----[^-]*-----END [^-]+-----/g) ?? []
  return blocks.length > 0 && blocks.every((block) => parseCertificate(block) !== undefined)
}

/** What only OpenSSL itself knows, such as a key too short for its security level. */
function whyUnusable(options: { cert: string; key: string; ca: string | undefined }): string | undefined {
  try {
    createSecureContext(options)
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}
