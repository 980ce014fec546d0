import { randomUUID } from 'node:crypto'
import { mkdir, mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { createLog } from '@telltale/infra/log'
import { insertCommand } from '@telltale/infra/storage/commands'
import { deleteDevice } from '@telltale/infra/storage/deletions'
import type { StatusReport } from '@telltale/infra/storage/sessions'
import { registerDevice, startTestBroker, type TestBroker } from '@telltale/infra/testing/broker'
import { createTestDatabase, type TestDatabase } from '@telltale/infra/testing/database'
import { testFolder } from '@telltale/infra/testing/folder'
import { waitFor } from '@telltale/infra/testing/wait'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { topics } from '../src/contract/index.ts'
import { encodeRecord, type KeptMessage, type SpoolRecord } from '../src/spool/records.ts'
import { Spool } from '../src/spool/spool.ts'
import { storedValues, TestClients } from './clients.ts'

/** What a broker that died left in its data folder, written by the spool's own code, replayed by the next broker. */
let database: TestDatabase
let broker: TestBroker | undefined
const clients = new TestClients(() => broker?.url ?? '')

beforeAll(async () => {
  database = await createTestDatabase()
})
afterEach(async () => {
  await clients.end()
  await broker?.program.stop()
  broker = undefined
})
afterAll(() => database?.drop())

function messageOf(deviceId: string, given: Partial<KeptMessage>): SpoolRecord {
  const usual = { receivedAtMs: Date.now(), payloadBytes: 9, rowCount: 1, readings: [], rejected: undefined }
  return { kind: 'message', message: { ...usual, deviceId, ...given }, lastDeletion: 0 }
}

const reading = (n: number, timeMs = Date.now()) => ({ readings: [{ timeMs, metrics: ['n'], values: [n] }] })

async function startAfter(records: SpoolRecord[], env: Record<string, string> = {}): Promise<void> {
  await mkdir(testFolder, { recursive: true })
  const dataDir = await mkdtemp(join(testFolder, 'spooled-'))
  const log = createLog('test', 'silent')
  const spool = await Spool.open({ folder: join(dataDir, 'spool'), bytesMax: 2 ** 24, log })
  await spool.append(records.map(encodeRecord), Date.now())
  await spool.close()
  broker = await startTestBroker(database.url, { TELLTALE_DATA_DIR: dataDir, ...env })
}

async function deliveredCommand(deviceId: string): Promise<string> {
  const id = randomUUID()
  await insertCommand(database.pool, {
    ...{ id, deviceId, name: 'blink', params: {}, ttlMs: 60_000, createdBy: 'test' },
  })
  const delivered = `UPDATE command SET status = 'delivered', delivered_at = now() WHERE id = $1`
  await database.pool.query(delivered, [id])
  return id
}

async function statusOf(commandId: string): Promise<string | undefined> {
  const { rows } = await database.pool.query('SELECT status FROM command WHERE id = $1', [commandId])
  return rows[0]?.status
}

async function countRejected(deviceId: string): Promise<string[]> {
  const { rows } = await database.pool.query('SELECT reason FROM rejected_message WHERE device_id = $1', [
    deviceId,
  ])
  return rows.map(({ reason }) => reason)
}

it('R-WRITE-3 what waited twice is stored once: readings by their time, a rejected message by its key', async () => {
  await registerDevice(database.pool, 'twice')
  const rejected = {
    ...{ key: randomUUID(), deviceId: 'twice', receivedAtMs: Date.now(), topic: 'devices/twice/telemetry' },
    ...{ reason: 'not JSON', payload: Buffer.from('{'), payloadBytes: 1 },
  }
  const kept = [messageOf('twice', reading(1)), messageOf('twice', { rejected })]
  await startAfter([...kept, ...kept, messageOf('twice', reading(2, Date.now() + 1))])
  await waitFor('the last', async () => (await storedValues(database.pool, 'twice')).n?.includes(2))
  expect(await storedValues(database.pool, 'twice')).toEqual({ n: [1, 2] })
  expect(await countRejected('twice')).toEqual(['not JSON'])
})

it('R-WRITE-4 a device made again under its old id does not get what waited in its former life', async () => {
  await registerDevice(database.pool, 'again')
  const former = messageOf('again', { ...reading(1), receivedAtMs: Date.now() - 60_000 })
  await deleteDevice(database.pool, 'again', 'test')
  await registerDevice(database.pool, 'again')
  await startAfter([former, messageOf('again', reading(2))])
  await waitFor('the later one', async () => 'n' in (await storedValues(database.pool, 'again')))
  expect(await storedValues(database.pool, 'again')).toEqual({ n: [2] })
})

it('R-WRITE-5 a message the database refuses is quarantined, and holds up none behind it', async () => {
  await registerDevice(database.pool, 'poison')
  const poison = { readings: [{ timeMs: Date.now(), metrics: ['text'], values: ['\0'] }] }
  await startAfter([
    messageOf('poison', reading(1)),
    messageOf('poison', poison),
    messageOf('poison', reading(3, Date.now() + 1)),
  ])
  await waitFor('the one behind it', async () => (await storedValues(database.pool, 'poison')).n?.includes(3))
  expect(await storedValues(database.pool, 'poison')).toMatchObject({ n: [1, 3] })
  await waitFor('its rejection', async () => (await countRejected('poison')).length === 1)
})

it('R-WRITE-6 a reply and a status word that waited settle their rows; a newer word stays', async () => {
  await registerDevice(database.pool, 'words')
  const id = await deliveredCommand('words')
  const { rows } = await database.pool.query<{ id: number }>(
    `INSERT INTO session (device_id, broker_id, client_id, connected_at, reported, reported_at)
     SELECT 'words', 'elsewhere', c, now(), w, CASE WHEN w = 'online' THEN now() END
     FROM (VALUES ('a', NULL), ('b', 'online')) AS v (c, w)
     RETURNING id`,
  )
  const said = (row: number): StatusReport => ({
    ...{ epoch: rows[row]?.id ?? 0, status: 'offline', at: new Date(Date.now() - 60_000) },
  })
  await startAfter([
    {
      kind: 'reply',
      reply: { deviceId: 'words', commandId: id, payload: { status: 'succeeded', result: 5 } },
    },
    { kind: 'status', report: said(0) },
    { kind: 'status', report: said(1) },
  ])
  const words = await waitFor('both words', async () => {
    const found = await database.pool.query<{ reported: string | null }>(
      'SELECT reported FROM session WHERE device_id = $1 ORDER BY client_id',
      ['words'],
    )
    return found.rows[0]?.reported === null ? undefined : found.rows.map(({ reported }) => reported)
  })
  expect(words).toEqual(['offline', 'online'])
  const command = await database.pool.query('SELECT status, result FROM command WHERE id = $1', [id])
  expect(command.rows[0]).toEqual({ status: 'succeeded', result: 5 })
})

it('R-WRITE-7 a server that answers commits before they are on disk does so to others only', async () => {
  const name = new URL(database.url).pathname.slice(1)
  await database.pool.query(`ALTER DATABASE ${name} SET synchronous_commit = off`)
  // Says what its own session goes by, whenever a batch is merged.
  await database.pool.query(`
    CREATE FUNCTION say() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      RAISE EXCEPTION 'synchronous_commit is %', current_setting('synchronous_commit') USING ERRCODE = '22000';
    END $$;
    CREATE TRIGGER say BEFORE INSERT ON reading_text FOR EACH ROW EXECUTE FUNCTION say();
    CREATE TRIGGER say BEFORE UPDATE ON command FOR EACH ROW WHEN (NEW.status = 'succeeded') EXECUTE FUNCTION say()`)
  await registerDevice(database.pool, 'durable')
  const text = { readings: [{ timeMs: Date.now(), metrics: ['door'], values: ['open'] }] }
  const commandId = await deliveredCommand('durable')
  const reply = { deviceId: 'durable', commandId, payload: { status: 'succeeded' } as const }
  await startAfter([messageOf('durable', text), { kind: 'reply', reply }])
  await waitFor('their rejections', async () => (await countRejected('durable')).length === 2)
  const said = 'the database refused it: synchronous_commit is on'
  expect(await countRejected('durable')).toEqual([said, said])
  await database.pool.query('DROP FUNCTION say CASCADE')
})

it('R-WRITE-8 a word that is taken does not end an outage of readings', async () => {
  broker = await startTestBroker(database.url)
  const device = await clients.attach(await registerDevice(database.pool, 'locked'))
  const id = await deliveredCommand('locked')
  const blocker = await database.pool.connect()
  await blocker.query('BEGIN; LOCK TABLE reading IN ACCESS EXCLUSIVE MODE')
  // Acknowledged by the disk: from here on it is an outage.
  await device.publishAsync(topics.telemetry('locked'), '{"n":1}', { qos: 1 })
  await device.publishAsync(topics.reply('locked', id), '{"status":"succeeded"}', { qos: 1 })
  await waitFor('the reply', async () => (await statusOf(id)) === 'succeeded')
  // By its acknowledgement the broker has gone on with what it does after the reply.
  await device.publishAsync(topics.telemetry('locked'), '{"n":2}', { qos: 1 })
  expect(broker.program.output()).toContain('the database does not take what comes in')
  expect(broker.program.output()).not.toContain('the database is back')
  await blocker.query('ROLLBACK')
  blocker.release()
  await waitFor('the reading', async () => 'n' in (await storedValues(database.pool, 'locked')))
})
