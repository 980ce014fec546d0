import { createCredential, getDevice, revokeCredential, updateDevice } from '@telltale/infra/storage/devices'
import { approveEnrolment, listEnrolments, rejectEnrolment } from '@telltale/infra/storage/enrolments'
import {
  registerDevice,
  registerIntegration,
  startTestBroker,
  type TestBroker,
} from '@telltale/infra/testing/broker'
import { createTestDatabase, type TestDatabase } from '@telltale/infra/testing/database'
import { waitFor } from '@telltale/infra/testing/wait'
import type { IClientOptions } from 'mqtt'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { topics } from '../src/contract/index.ts'
import { collect, diagnosis, storedValues, TestClients, tellRevoked } from './clients.ts'
import { nextEvent } from './events.ts'

const KEY = 'the key of this fleet'

let database: TestDatabase
let broker: TestBroker
const clients = new TestClients(() => broker.url)
const withKey = (username: string): IClientOptions => ({ username, password: KEY })

function start(env: Record<string, string>) {
  beforeAll(async () => {
    database = await createTestDatabase()
    broker = await startTestBroker(database.url, env)
  })
  afterEach(() => clients.end())
  afterAll(async () => {
    expect(await broker?.program.stop()).toBe(0)
    await database?.drop()
  })
}

describe('enrolment with approval', () => {
  start({ TELLTALE_ENROLMENT: 'approve', TELLTALE_ENROLMENT_KEY: KEY })

  it('M-ENROL-1 an unknown device with the key waits; approved, it connects with the key', async () => {
    expect(await clients.outcome({ ...withKey('new'), clientId: 'esp' })).toBe(5)
    expect(await clients.outcome(withKey('new'))).toBe(5)
    const [waiting, ...others] = await listEnrolments(database.pool, { limit: 10 })
    expect(others).toEqual([])
    expect(waiting).toMatchObject({ deviceId: 'new', address: '127.0.0.1', attempts: 2 })
    await diagnosis(database.pool, 'enrolment_waiting', 'new')
    await approveEnrolment(database.pool, 'new')
    const device = await clients.attach(withKey('new'))
    await device.publishAsync(topics.telemetry('new'), '{"a":1}', { qos: 1 })
    expect(await storedValues(database.pool, 'new')).toEqual({ a: [1] })
  })

  it('M-ENROL-2 a rejected device stays out', async () => {
    expect(await clients.outcome(withKey('stray'))).toBe(5)
    await rejectEnrolment(database.pool, 'stray')
    expect(await clients.outcome(withKey('stray'))).toBe(5)
    await diagnosis(database.pool, 'enrolment_rejected', 'stray')
    expect(await getDevice(database.pool, 'stray')).toBeUndefined()
  })

  it('M-ENROL-3 without the key nobody even waits', async () => {
    expect(await clients.outcome({ username: 'guess', password: 'not the key of it' })).toBe(4)
    expect(await clients.outcome({ username: 'guess' })).toBe(4)
    expect(await clients.outcome(withKey('.no-id'))).toBe(4)
    expect(await clients.outcome(withKey('@guess'))).toBe(4)
    await diagnosis(database.pool, 'unknown_device', 'guess')
    const ids = (await listEnrolments(database.pool, { limit: 10 })).map(({ deviceId }) => deviceId)
    expect(ids.filter((id) => id.includes('guess') || id.includes('no-id'))).toEqual([])
  })
})

describe('open enrolment', () => {
  start({ TELLTALE_ENROLMENT: 'open', TELLTALE_ENROLMENT_KEY: KEY })

  it('M-ENROL-4 an unknown device with the key is registered by connecting, and stays so', async () => {
    const device = await clients.attach(withKey('new'))
    await device.publishAsync(topics.telemetry('new'), '{"a":1}', { qos: 1 })
    await device.endAsync()
    expect(await getDevice(database.pool, 'new')).toMatchObject({ id: 'new', name: 'new' })
    await clients.attach(withKey('new'))
    expect(await clients.outcome({ username: 'other', password: 'not the key of it' })).toBe(4)
    expect(await getDevice(database.pool, 'other')).toBeUndefined()
  })

  it('M-ENROL-5 the key opens no device that did not enrol with it, and none that is disabled', async () => {
    const own = await registerDevice(database.pool, 'by-hand')
    expect(await clients.outcome(withKey('by-hand'))).toBe(4)
    await clients.attach(own)
    await clients.attach(withKey('former'))
    await updateDevice(database.pool, 'former', { disabled: true })
    expect(await clients.outcome(withKey('former'))).toBe(5)
    await diagnosis(database.pool, 'disabled', 'former')
  })
})

describe('closed enrolment, and what happens to registered devices', () => {
  start({})

  it('M-ENROL-6 nobody unknown comes in', async () => {
    expect(await clients.outcome(withKey('new'))).toBe(4)
    await diagnosis(database.pool, 'unknown_device', 'new')
    expect(await listEnrolments(database.pool, { limit: 10 })).toEqual([])
  })

  it('M-ENROL-7 two secrets work, no third is made; revoking one ends only the connection that used it', async () => {
    const first = await registerDevice(database.pool, 'rotated')
    const second = await createCredential(database.pool, 'rotated')
    if (typeof second === 'string') throw new Error(second)
    expect(await createCredential(database.pool, 'rotated')).toBe('too_many')
    await (await clients.attach(first)).endAsync()
    const device = await clients.attach({ ...first, password: second.secret })

    // The other secret goes. A marker behind it: the broker has acted on both words when it is closed.
    const marker = await clients.attach(await registerDevice(database.pool, 'marker'))
    const markerClosed = nextEvent(marker, 'close')
    await database.pool.query(
      `UPDATE device_credential SET revoked_at = now()
       WHERE device_id IN ('rotated', 'marker') AND id <> $1`,
      [second.id],
    )
    await tellRevoked(clients, broker, 'rotated')
    await tellRevoked(clients, broker, 'marker')
    await markerClosed
    await device.publishAsync(topics.telemetry('rotated'), '{"still":1}', { qos: 1 })
    expect(await clients.outcome(first)).toBe(4)

    const closed = nextEvent(device, 'close')
    await revokeCredential(database.pool, { deviceId: 'rotated', id: second.id })
    const startedMs = performance.now()
    await tellRevoked(clients, broker, 'rotated')
    await closed
    expect(performance.now() - startedMs).toBeLessThan(2_000)
    expect(await clients.outcome({ ...first, password: second.secret })).toBe(4)
  })

  it.each(['connected and told', 'connected and not told', 'absent and told'])(
    'M-ENROL-8 disabling a device ends its connection and takes what is kept for it: %s',
    async (how) => {
      const id = `disabled-${how.replaceAll(' ', '-')}`
      const credentials = await registerDevice(database.pool, id)
      const options = { ...credentials, clientId: 'kept', clean: false }
      const will = {
        topic: topics.status(id),
        payload: Buffer.from('offline'),
        qos: 1 as const,
        retain: true,
      }
      const device = await clients.attach({ ...options, will })
      await device.subscribeAsync(topics.telemetry(id), { qos: 1 })
      await device.publishAsync(`devices/${id}/note`, 'kept', { qos: 1, retain: true })
      await device.publishAsync(topics.status(id), 'online', { qos: 1, retain: true })
      const closed = nextEvent(device, 'close')
      if (how.startsWith('absent')) await device.endAsync()
      const script = await clients.attach(await registerIntegration(database.pool, id))
      await script.publishAsync(topics.telemetry(id), '{"queued":1}', { qos: 1 })
      await updateDevice(database.pool, id, { disabled: true })
      const startedMs = performance.now()
      if (how.endsWith('and told')) await tellRevoked(clients, broker, id)
      await closed
      if (how === 'connected and told') expect(performance.now() - startedMs).toBeLessThan(2_000)
      expect(await clients.outcome(options)).toBe(5)
      await waitFor('nothing to be retained', async () => (await retainedOf(id)).length === 0)

      await updateDevice(database.pool, id, { disabled: false })
      const again = clients.dial(options)
      const heard = collect(again)
      const isPresent = new Promise((resolve) =>
        again.once('connect', ({ sessionPresent }) => resolve(sessionPresent)),
      )
      expect(await isPresent).toBe(false)
      await again.subscribeAsync(topics.telemetry(id), { qos: 1 })
      await again.publishAsync(topics.telemetry(id), '{"fresh":1}', { qos: 1 })
      await waitFor('the fresh reading', () => heard.length > 0)
      expect(heard.map(({ payload }) => Object.keys(JSON.parse(payload).values))).toEqual([['fresh']])
    },
  )
})

/** Topics of what is retained below the device's root. */
async function retainedOf(deviceId: string): Promise<string[]> {
  const client = await clients.attach({ username: `@${deviceId}`, password: `secret-of-@${deviceId}` })
  const heard = collect(client)
  await client.publishAsync('zz/last', 'x', { qos: 1, retain: true })
  // Retained messages come in the order of the filters.
  await client.subscribeAsync([`devices/${deviceId}/#`, 'zz/last'])
  await waitFor('the last', () => heard.some(({ topic }) => topic === 'zz/last'))
  return heard.map(({ topic }) => topic).filter((topic) => topic !== 'zz/last')
}
