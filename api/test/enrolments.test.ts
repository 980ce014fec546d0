import { hashSecret } from '@telltale/infra/secrets'
import { admitCertificate } from '@telltale/infra/storage/credentials'
import { enrol } from '@telltale/infra/storage/enrolments'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { addDevice, bearer, call, startApi, type TestApi } from './harness.ts'

const KEY = hashSecret('the enrolment key')

let api: TestApi
let operator: { authorization: string }

beforeAll(async () => {
  api = await startApi()
  operator = await bearer(api, 'operator')
})
afterAll(() => api.stop())
beforeEach(() =>
  api.database.pool.query('DELETE FROM device; DELETE FROM enrolment; DELETE FROM audit_entry'),
)

/** What the broker does with a device it does not know. */
const ask = (deviceId: string, clientId = 'esp') =>
  enrol(api.database.pool, { deviceId, hash: KEY, address: '10.0.0.7', clientId, mode: 'approve' })
const get = (path: string) => call(api, `GET ${path}`, { headers: operator })

it('D-ENROL-7 an operator sees who waits, and approves: the device is there, with its key as a credential', async () => {
  await ask('new')
  await ask('new', '<b>esp</b>')
  const waiting = await get('/enrolments')
  expect(waiting.body).toEqual({
    items: [
      {
        deviceId: 'new',
        address: '10.0.0.7',
        clientId: '<b>esp</b>',
        requestedAt: expect.any(String),
        lastRequestedAt: expect.any(String),
        attempts: 2,
      },
    ],
    nextCursor: null,
  })
  const approved = await call(api, 'POST /enrolments/new/approve', { headers: operator })
  expect([approved.status, approved.body.id]).toEqual([200, 'new'])
  expect((await get('/devices/new')).body).toEqual(approved.body)
  expect((await get('/enrolments')).body.items).toEqual([])
  const credentials = await get('/devices/new/credentials')
  expect(credentials.body.items).toMatchObject([{ kind: 'enrolment', fingerprint: null, revokedAt: null }])
  expect(JSON.stringify(credentials.body)).not.toContain(KEY.toString('hex'))
  const again = await call(api, 'POST /enrolments/new/approve', { headers: operator })
  expect([again.status, again.body.code]).toEqual([404, 'enrolment_not_found'])
})

it('D-ENROL-8 a rejected device is gone from the list; what was done is on record', async () => {
  await ask('stubborn')
  await ask('kept')
  const reject = () => call(api, 'DELETE /enrolments/stubborn', { headers: operator })
  expect((await reject()).status).toBe(204)
  const again = await reject()
  expect([again.status, again.body.code]).toEqual([404, 'enrolment_not_found'])
  expect(await ask('stubborn')).toBe('rejected')
  expect((await get('/enrolments')).body.items).toMatchObject([{ deviceId: 'kept' }])
  expect((await get('/devices/stubborn')).status).toBe(404)
  await call(api, 'POST /enrolments/kept/approve', { headers: operator })
  const { rows } = await api.database.pool.query('SELECT actor, action, target FROM audit_entry ORDER BY id')
  const actor = 'token:test-operator'
  expect(rows).toEqual([
    { actor, action: 'enrolment.reject', target: 'stubborn' },
    { actor, action: 'enrolment.approve', target: 'kept' },
  ])
})

it('D-ENROL-9 a device registered by hand meanwhile is not touched by approving', async () => {
  await ask('kitchen')
  await addDevice(api, 'kitchen', 'Kitchen')
  const approved = await call(api, 'POST /enrolments/kitchen/approve', { headers: operator })
  expect([approved.status, approved.body.code]).toEqual([409, 'device_exists'])
  expect((await get('/devices/kitchen')).body.name).toBe('Kitchen')
  expect((await get('/devices/kitchen/credentials')).body.items).toMatchObject([{ kind: 'secret' }])
})

it('D-ENROL-10 a viewer neither sees nor decides who waits', async () => {
  await ask('new')
  const headers = await bearer(api, 'viewer')
  for (const line of ['GET /enrolments', 'POST /enrolments/new/approve', 'DELETE /enrolments/new']) {
    const { status, body } = await call(api, line, { headers })
    expect([line, status, body.code]).toEqual([line, 403, 'forbidden'])
  }
  expect((await get('/enrolments')).body.items).toHaveLength(1)
})

it('D-ENROL-11 pages of who waits neither repeat nor skip', async () => {
  const ids = ['a', 'b', 'c', 'd', 'e']
  for (const id of ids) await ask(id)
  const seen: string[] = []
  for (let cursor = ''; ; ) {
    const { body } = await get(`/enrolments?limit=2${cursor}`)
    seen.push(...body.items.map(({ deviceId }: { deviceId: string }) => deviceId))
    if (body.nextCursor === null) break
    cursor = `&cursor=${body.nextCursor}`
  }
  expect(seen).toEqual(ids)
})

it('D-CERT-5 a certificate is listed with its fingerprint and revoked like a secret', async () => {
  await addDevice(api, 'kitchen')
  const certificate = { deviceId: 'kitchen', fingerprint: hashSecret('a certificate') }
  await admitCertificate(api.database.pool, certificate)
  const { body } = await get('/devices/kitchen/credentials')
  const listed = body.items.find(({ kind }: { kind: string }) => kind === 'certificate')
  expect(listed.fingerprint).toBe(certificate.fingerprint.toString('hex'))
  const revoked = await call(api, `DELETE /devices/kitchen/credentials/${listed.id}`, { headers: operator })
  expect(revoked.status).toBe(204)
  expect(await admitCertificate(api.database.pool, certificate)).toBe('revoked')
})
