import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { limits } from '../limits.ts'
import { hashSecret } from '../secrets.ts'
import { describeEngines, type TestDatabase } from '../testing/database.ts'
import { findDeviceCredentials } from './credentials.ts'
import { createCredential, createDevice, listCredentials } from './devices.ts'
import {
  approveEnrolment,
  type EnrolmentRequest,
  enrol,
  listEnrolments,
  rejectEnrolment,
} from './enrolments.ts'

const KEY = hashSecret('the enrolment key')

describeEngines('enrolment', (testEngine) => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await testEngine.createDatabase()
  })
  afterAll(() => database.drop())
  beforeEach(() => database.pool.query('DELETE FROM device; DELETE FROM enrolment; DELETE FROM audit_entry'))

  const ask = (deviceId: string, mode: EnrolmentRequest['mode'], more: Partial<EnrolmentRequest> = {}) =>
    enrol(database.pool, { deviceId, hash: KEY, address: '10.0.0.7', clientId: 'c', mode, ...more })
  const waiting = () => listEnrolments(database.pool, { limit: 2_000 })
  const later = (time: string) =>
    database.pool.query(
      `UPDATE enrolment SET rejected_at = rejected_at - $1::interval,
         last_requested_at = last_requested_at - $1::interval`,
      [time],
    )

  it('D-ENROL-1 with approval an unknown device waits, and is registered with its key when approved', async () => {
    expect(await ask('new', 'approve')).toBe('waiting')
    expect(await ask('new', 'approve', { address: '10.0.0.8', clientId: 'd' })).toBe('waiting')
    const listed = await waiting()
    expect(listed).toMatchObject([{ deviceId: 'new', address: '10.0.0.8', clientId: 'd', attempts: 2 }])
    expect((await findDeviceCredentials(database.pool, ['new'])).get('new')).toBeUndefined()
    expect(await approveEnrolment(database.pool, 'new')).toMatchObject({ id: 'new', name: 'new', tags: [] })
    expect((await findDeviceCredentials(database.pool, ['new'])).get('new')).toEqual({
      disabled: false,
      hashes: [KEY],
    })
    expect(await waiting()).toEqual([])
    expect(await approveEnrolment(database.pool, 'new')).toBe('no_enrolment')
    expect(await ask('new', 'approve')).toBe('enrolled')
  })

  it('D-ENROL-2 when open it is registered on the spot, once, however many times it comes at once', async () => {
    const outcomes = await Promise.all([ask('new', 'open'), ask('new', 'open'), ask('new', 'open')])
    expect(outcomes).toEqual(['enrolled', 'enrolled', 'enrolled'])
    const credentials = await listCredentials(database.pool, 'new')
    expect(credentials).toMatchObject([{ kind: 'enrolment', fingerprint: null, revokedAt: null }])
    const { rows } = await database.pool.query('SELECT action, target FROM audit_entry')
    expect(rows).toEqual([{ action: 'device.enrol', target: 'new' }])
    await ask('patient', 'approve')
    expect(await ask('patient', 'open')).toBe('enrolled')
    expect(await waiting()).toEqual([])
  })

  it('D-ENROL-3 the key lets nobody in as a device that is registered with other secrets', async () => {
    await createDevice(database.pool, { id: 'old', name: 'Old', type: null, tags: [] })
    expect(await ask('old', 'open')).toBe('rejected')
    expect(await ask('old', 'approve')).toBe('rejected')
    expect((await findDeviceCredentials(database.pool, ['old'])).get('old')?.hashes).not.toContainEqual(KEY)
    // Nor back in after its enrolment was revoked.
    await ask('new', 'open')
    await database.pool.query(`UPDATE device_credential SET revoked_at = now() WHERE device_id = 'new'`)
    expect(await ask('new', 'open')).toBe('rejected')
    // Registered by hand while it waited: approving changes nothing of it.
    await ask('both', 'approve')
    await createDevice(database.pool, { id: 'both', name: 'Both', type: null, tags: [] })
    expect(await waiting()).toEqual([])
    expect(await approveEnrolment(database.pool, 'both')).toBe('device_exists')
    expect((await findDeviceCredentials(database.pool, ['both'])).get('both')?.hashes).not.toContainEqual(KEY)
  })

  it('D-ENROL-4 a rejected device stays rejected for 24 hours, also when enrolment is opened', async () => {
    await ask('stubborn', 'approve')
    expect(await rejectEnrolment(database.pool, 'stubborn')).toBe(true)
    expect(await rejectEnrolment(database.pool, 'stubborn')).toBe(false)
    expect(await waiting()).toEqual([])
    expect(await ask('stubborn', 'approve')).toBe('rejected')
    expect(await ask('stubborn', 'open')).toBe('rejected')
    await later('23 hours 59 minutes')
    expect(await ask('stubborn', 'approve')).toBe('rejected')
    await later('2 minutes')
    expect(await ask('stubborn', 'approve')).toBe('waiting')
    expect(await waiting()).toMatchObject([{ deviceId: 'stubborn', attempts: 1 }])
    await rejectEnrolment(database.pool, 'stubborn')
    expect(await approveEnrolment(database.pool, 'stubborn')).toMatchObject({ id: 'stubborn' })
  })

  it('D-ENROL-5 a thousand devices wait at most, and those that gave up make room', async () => {
    const { waitingMax, waitingDays } = limits.enrolments
    await database.pool.query(
      `INSERT INTO enrolment (device_id, hash, client_id) SELECT 'w' || n, '', 'c' FROM generate_series(1, $1) n`,
      [waitingMax - 1],
    )
    const outcomes = await Promise.all(['x', 'y', 'z'].map((id) => ask(id, 'approve')))
    expect(outcomes.sort()).toEqual(['full', 'full', 'waiting'])
    expect(await ask('w1', 'approve')).toBe('waiting')
    expect(await ask('late', 'open')).toBe('enrolled')
    expect(await waiting()).toHaveLength(waitingMax)
    await later(`${waitingDays} days 1 minute`)
    expect(await waiting()).toEqual([])
    expect(await ask('next', 'approve')).toBe('waiting')
    const { rows } = await database.pool.query('SELECT count(*) AS n FROM enrolment')
    expect(rows).toEqual([{ n: 1 }])
  })

  it('D-ENROL-6 an enrolled device is rotated like others: the key is one of its two secrets', async () => {
    await ask('new', 'open')
    expect(await createCredential(database.pool, 'new')).toMatchObject({ kind: 'secret' })
    expect(await createCredential(database.pool, 'new')).toBe('too_many')
  })
})
