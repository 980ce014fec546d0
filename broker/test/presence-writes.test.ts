import { registerDevice, startTestBroker, type TestBroker } from '@telltale/infra/testing/broker'
import { createTestDatabase, type TestDatabase } from '@telltale/infra/testing/database'
import { waitFor } from '@telltale/infra/testing/wait'
import type { IClientOptions } from 'mqtt'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { TestClients } from './clients.ts'

const DEVICES = 20
/** Of one and the same run of changes; the pause between them grows. */
const ATTEMPTS = 4

let database: TestDatabase
let broker: TestBroker
let before = ''
const clients = new TestClients(() => broker.url)

beforeAll(async () => {
  database = await createTestDatabase()
  broker = await startTestBroker(database.url)
  await database.pool.query('CREATE SEQUENCE refusals')
})
afterEach(async () => {
  await clients.end()
  await allowEnds()
})
afterAll(async () => {
  expect(await broker?.program.stop()).toBe(0)
  await database?.drop()
})

/** Connect and leave while nothing can be written, so that all of it is written at once; then ends are refused. */
async function comeAndGo(ids: string[], refusal: { state: string; of: string }): Promise<void> {
  const [starter, ...devices] = await Promise.all(
    [`before-${ids[0]}`, ...ids].map((id) => registerDevice(database.pool, id)),
  )
  before = broker.program.output()
  const writer = await database.pool.connect()
  await writer.query('BEGIN')
  await writer.query('LOCK TABLE session IN ACCESS EXCLUSIVE MODE')
  // What is being written takes no more with it.
  await (await clients.attach(starter as IClientOptions)).endAsync()
  await waitFor('the broker to wait for the table', isHeldUp)
  for (const device of devices) await (await clients.attach(device)).endAsync()
  await writer.query(
    `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
       PERFORM nextval('refusals');
       RAISE EXCEPTION 'not now' USING ERRCODE = '${refusal.state}';
     END $$`,
  )
  await writer.query(
    `CREATE TRIGGER refuse BEFORE UPDATE ON session FOR EACH ROW
     WHEN (old.device_id ~ '${refusal.of}') EXECUTE FUNCTION refuse()`,
  )
  await writer.query('COMMIT')
  writer.release()
}

async function isHeldUp(): Promise<boolean> {
  const { rows } = await database.pool.query(
    `SELECT FROM pg_locks l JOIN pg_class c ON c.oid = l.relation WHERE c.relname = 'session' AND NOT l.granted`,
  )
  return rows.length > 0
}

async function allowEnds(): Promise<void> {
  await database.pool.query('DROP FUNCTION IF EXISTS refuse CASCADE')
}

/** How often, counted beyond what is undone. */
async function refusals(): Promise<number> {
  const { rows } = await database.pool.query<{ n: string }>('SELECT last_value AS n FROM refusals')
  return Number(rows[0]?.n)
}

async function connected(): Promise<string[]> {
  const { rows } = await database.pool.query<{ id: string }>(
    'SELECT device_id AS id FROM session WHERE disconnected_at IS NULL',
  )
  return rows.map(({ id }) => id)
}

function logged(words: string): { deviceId?: string }[] {
  const lines = broker.program.output().slice(before.length).split('\n')
  return lines.filter((line) => line.includes(words)).map((line) => JSON.parse(line))
}

it('P-WRITE-1 changes of which some could be written, and others not, are one trouble and one line of the log', async () => {
  const ids = Array.from({ length: DEVICES }, (_, n) => `halfway-${n}`)
  const first = await refusals()
  await comeAndGo(ids, { state: '40001', of: '^halfway' })
  await waitFor('several attempts', async () => (await refusals()) >= first + ATTEMPTS)
  expect((await connected()).sort(), 'their beginnings are written').toEqual([...ids].sort())
  await allowEnds()
  await waitFor('their ends', async () => (await connected()).length === 0)
  expect(logged('presence could not be written')).toHaveLength(1)
})

it('P-WRITE-2 a change that the database refuses is passed over alone, and the log says whose', async () => {
  const ids = Array.from({ length: DEVICES }, (_, n) => `one-${n}`)
  await comeAndGo(ids, { state: '22023', of: '^one-7$' })
  await waitFor('the ends of the others', async () => (await connected()).join() === 'one-7')
  const lost = await waitFor('word of it', () => logged('a change of presence is lost').at(0))
  expect(lost.deviceId).toBe('one-7')
  expect(logged('presence could not be written')).toEqual([])
  expect(logged('a change of presence is lost')).toHaveLength(1)
})
