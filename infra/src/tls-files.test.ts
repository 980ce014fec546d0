import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { createCertificates } from './testing/certificates.ts'
import { toolMissing } from './testing/tools.ts'
import { expiryWarning, readTlsFiles, type TlsFiles } from './tls-files.ts'

describe.skipIf(toolMissing('openssl'))('the files of the TLS listener', () => {
  const certificates = createCertificates()
  afterAll(() => certificates.remove())
  const { serverCert, serverKey, ca } = certificates
  const files = { cert: serverCert.path, key: serverKey.path, clientCa: ca.path }
  const problems = (changed: Partial<TlsFiles>) => {
    const reading = readTlsFiles({ ...files, ...changed })
    return 'problems' in reading ? reading.problems : []
  }
  const garbage = join(ca.path, '..', 'garbage.pem')
  writeFileSync(garbage, '-----BEGIN CERTIFICATE-----\nbm90IG9uZQ==\n-----END CERTIFICATE-----\n')
  const half = join(ca.path, '..', 'half.pem')
  writeFileSync(half, `${ca.pem}-----BEGIN CERTIFICATE-----\nbm90IG9uZQ==\n-----END CERTIFICATE-----\n`)

  it('M-TLS-12 are read, with and without an authority for clients', () => {
    expect(readTlsFiles(files)).toMatchObject({
      material: { cert: serverCert.pem, key: serverKey.pem, clientCa: ca.pem },
    })
    expect(readTlsFiles({ cert: files.cert, key: files.key })).toHaveProperty('material.expiresAt')
  })

  it.each<[string, Partial<TlsFiles>, string]>([
    ['a missing certificate', { cert: '/no/cert' }, 'TELLTALE_TLS_CERT: cannot read /no/cert (ENOENT)'],
    ['a folder', { key: '/tmp' }, 'TELLTALE_TLS_KEY: cannot read /tmp (EISDIR)'],
    ['no certificate', { cert: garbage }, `TELLTALE_TLS_CERT: ${garbage} holds no PEM certificate`],
    ['an empty file', { cert: '/dev/null' }, 'TELLTALE_TLS_CERT: /dev/null holds no PEM certificate'],
    [
      'a certificate for a key',
      { key: files.cert },
      `TELLTALE_TLS_KEY: ${files.cert} holds no PEM private key that opens without a passphrase`,
    ],
    [
      "another one's key",
      { key: certificates.server().key.path },
      `is not the key of the certificate in ${files.cert}`,
    ],
    ['an authority half broken', { clientCa: half }, `TELLTALE_TLS_CLIENT_CA: ${half} does not hold PEM`],
  ])('M-TLS-12 wrong ones are named with the reason: %s', (_what, changed, sentence) => {
    expect(problems(changed)).toEqual([expect.stringContaining(sentence)])
  })

  it('M-TLS-12 all wrong ones are named at once', () => {
    expect(problems({ cert: '/no/a', key: '/no/b', clientCa: '/no/c' })).toHaveLength(3)
  })

  it('M-TLS-13 an expired certificate, and one about to expire, give a warning', () => {
    const now = new Date('2026-06-15T12:00:00Z')
    expect(expiryWarning(new Date('2026-06-15T11:59:59Z'), now)).toContain('expired on 2026-06-15')
    expect(expiryWarning(new Date('2026-06-29T11:59:59Z'), now)).toContain('expires on 2026-06-29')
    expect(expiryWarning(new Date('2026-06-29T12:00:01Z'), now)).toBeUndefined()
  })
})
