import { afterAll, beforeAll, expect, it } from 'vitest'
import { limits } from '../limits.ts'
import { hashSecret } from '../secrets.ts'
import { describeEngines, type TestDatabase } from '../testing/database.ts'
import { admitCertificate, findDeviceCredentials, findRevoked } from './credentials.ts'
import { createCredential, createDevice, listCredentials, revokeCredential, updateDevice } from './devices.ts'

/** Of a certificate; any 32 bytes will do. */
const fingerprint = (name: string) => hashSecret(`certificate ${name}`)

describeEngines('certificates', (testEngine) => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await testEngine.createDatabase()
  })
  afterAll(() => database.drop())

  const addDevice = (id: string) => createDevice(database.pool, { id, name: id, type: null, tags: [] })
  const admit = (deviceId: string, name: string) =>
    admitCertificate(database.pool, { deviceId, fingerprint: fingerprint(name) })
  const certificatesOf = async (deviceId: string) =>
    (await listCredentials(database.pool, deviceId)).filter(({ kind }) => kind === 'certificate')

  it('D-CERT-1 a certificate becomes a credential when it is first seen, and can be revoked as one', async () => {
    await addDevice('kitchen')
    expect(await admit('kitchen', 'a')).toBe('known')
    expect(await admit('kitchen', 'a')).toBe('known')
    const [credential, ...others] = await certificatesOf('kitchen')
    expect(others).toEqual([])
    expect(credential?.fingerprint).toBe(fingerprint('a').toString('hex'))
    const inUse = [{ deviceId: 'kitchen', hash: fingerprint('a') }]
    expect(await findRevoked(database.pool, inUse)).toEqual([])
    await revokeCredential(database.pool, { deviceId: 'kitchen', id: credential?.id ?? '' })
    expect(await findRevoked(database.pool, inUse)).toEqual(inUse)
    expect(await admit('kitchen', 'a')).toBe('revoked')
    expect(await certificatesOf('kitchen')).toHaveLength(1)
    expect(await admit('kitchen', 'b')).toBe('known')
  })

  it('D-CERT-2 a certificate lets in no unknown and no disabled device', async () => {
    expect(await admit('nobody', 'a')).toBe('unknown_device')
    await addDevice('off')
    await updateDevice(database.pool, 'off', { disabled: true })
    expect(await admit('off', 'a')).toBe('disabled')
    expect(await certificatesOf('off')).toEqual([])
  })

  it('D-CERT-3 ten certificates of a device are active at most, also when they come at once', async () => {
    await addDevice('many')
    const { activePerDeviceMax } = limits.certificates
    const names = Array.from({ length: activePerDeviceMax + 3 }, (_, i) => `${i}`)
    const outcomes = await Promise.all(names.map((name) => admit('many', name)))
    expect(outcomes.filter((outcome) => outcome === 'known')).toHaveLength(activePerDeviceMax)
    expect(outcomes.filter((outcome) => outcome === 'full')).toHaveLength(3)
    const [one] = await certificatesOf('many')
    await revokeCredential(database.pool, { deviceId: 'many', id: one?.id ?? '' })
    expect(await admit('many', 'another')).toBe('known')
    await addDevice('twice')
    const same = await Promise.all([admit('twice', 'a'), admit('twice', 'a'), admit('twice', 'a')])
    expect(same).toEqual(['known', 'known', 'known'])
    expect(await certificatesOf('twice')).toHaveLength(1)
  })

  it('D-CERT-4 a certificate is no password, and takes no place of a secret', async () => {
    const device = await addDevice('cellar')
    await admit('cellar', 'a')
    const found = (await findDeviceCredentials(database.pool, ['cellar'])).get('cellar')
    expect(found).toEqual({ disabled: false, hashes: [hashSecret(device?.secret ?? '')] })
    expect(await createCredential(database.pool, 'cellar')).toMatchObject({
      kind: 'secret',
      fingerprint: null,
    })
    expect(await createCredential(database.pool, 'cellar')).toBe('too_many')
    await addDevice('certificate-only')
    const [secret] = await listCredentials(database.pool, 'certificate-only')
    await revokeCredential(database.pool, { deviceId: 'certificate-only', id: secret?.id ?? '' })
    await admit('certificate-only', 'x')
    const none = (await findDeviceCredentials(database.pool, ['certificate-only'])).get('certificate-only')
    expect(none).toEqual({ disabled: false, hashes: [] })
  })
})
