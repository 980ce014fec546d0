import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { insertCommand } from '@telltale/infra/storage/commands'
import type { Pool } from '@telltale/infra/storage/pool'
import { registerDevice, startTestBroker, type TestBroker } from '@telltale/infra/testing/broker'
import { createTestDatabase } from '@telltale/infra/testing/database'
import { type DatabaseProxy, startDatabaseProxy } from '@telltale/infra/testing/database-proxy'
import { waitFor } from '@telltale/infra/testing/wait'
import type { MqttClient } from 'mqtt'
import { describe, it, type TestContext } from 'vitest'
import { topics } from '../src/contract/index.ts'
import { storedValues, TestClients } from './clients.ts'
import { SpoolWatch } from './spool-watch.ts'

/** How an outage ends. Each test has a broker of its own, and mostly waits. */
interface Scene {
  pool: Pool
  proxy: DatabaseProxy
  broker: TestBroker
  watch: SpoolWatch
  attach: (deviceId: string) => Promise<MqttClient>
}

async function openScene({ onTestFinished }: TestContext): Promise<Scene> {
  const database = await createTestDatabase()
  const proxy = await startDatabaseProxy(database.url)
  const broker = await startTestBroker(proxy.url)
  const watch = await SpoolWatch.start(broker)
  const clients = new TestClients(() => broker.url)
  onTestFinished(async () => {
    proxy.pass()
    await clients.end()
    await watch.end()
    await broker.program.stop()
    await proxy.close()
    await database.drop()
  })
  const attach = async (deviceId: string) => clients.attach(await registerDevice(database.pool, deviceId))
  return { pool: database.pool, proxy, broker, watch, attach }
}

const LATE_MS = 260
const STALL_MS = 4_000
const DEVICES = 8
const EVERY_MS = 80
const METRICS = 60
const ENDS_WITHIN_MS = 15_000

const AGO_MS = 3_600_000
/** An advisory lock that what is stored waits for. */
const GATE = 4_243
const KEPT = 30

const backlogOf = (n: number, metrics: number) => {
  const values = Object.fromEntries(Array.from({ length: metrics }, (_, i) => [`metric${i}`, n + i]))
  return JSON.stringify({ ts: Date.now() - AGO_MS + n, values })
}

describe.concurrent('the end of an outage', () => {
  it('R-DB-21 a database that is far away stands still once: the outage ends, though each answer is late', async (context) => {
    const { expect } = context
    const { proxy, watch, attach } = await openScene(context)
    const clients = await Promise.all(Array.from({ length: DEVICES }, (_, i) => attach(`far-${i}`)))
    let [n, acknowledged] = [0, 0]
    const timer = setInterval(() => {
      for (const [i, client] of clients.entries())
        client.publish(topics.telemetry(`far-${i}`), backlogOf(n++, METRICS), { qos: 1 }, (error) => {
          if (!error) acknowledged++
        })
    }, EVERY_MS)
    context.onTestFinished(() => clearInterval(timer))
    proxy.slow(LATE_MS)
    await waitFor('the first ones', () => acknowledged > DEVICES)
    proxy.freeze()
    const stalled = watch.said('an outage', ({ state }) => state === 'taking')
    await sleep(STALL_MS)
    await stalled
    proxy.slow(LATE_MS)
    const isDirect = ({ state }: { state: string }) => state === 'replaying' || state === 'empty'
    const { spool } = await watch.said('the end of the outage', isDirect, ENDS_WITHIN_MS)
    const next = await watch.said('its next word', () => true)
    expect(isDirect(next.spool), JSON.stringify([spool, next.spool])).toBe(true)
  })

  it('R-DB-22 replies that waited, and those said while readings come back, take effect in their order', async (context) => {
    const { expect } = context
    const { pool, proxy, watch, attach } = await openScene(context)
    const [bulk, device] = [await attach('bulk'), await attach('replying')]
    const ids = [randomUUID(), randomUUID()] as const
    for (const id of ids) {
      const command = { id, deviceId: 'replying', name: 'blink', params: {}, ttlMs: 600_000 }
      await insertCommand(pool, { ...command, createdBy: 'test' })
      await pool.query(
        `UPDATE command SET status = 'delivered', sent_at = now(), delivered_at = now(),
           reply_due_at = now() + interval '1 hour' WHERE id = $1`,
        [id],
      )
    }
    const reply = (id: string, word: object) =>
      device.publishAsync(`devices/replying/commands/${id}/reply`, JSON.stringify(word), { qos: 1 })
    proxy.freeze()
    await Promise.all(
      Array.from({ length: 400 }, (_, n) =>
        bulk.publishAsync(topics.telemetry('bulk'), backlogOf(n, 150), { qos: 1 }),
      ),
    )
    await reply(ids[0], { status: 'progress', result: { percent: 50 } })
    await reply(ids[1], { status: 'accepted' })
    proxy.slow(50)
    await watch.said('the end of the outage', ({ state }) => state === 'replaying' || state === 'empty')
    await reply(ids[0], { status: 'progress', result: { percent: 60 } })
    await reply(ids[1], { status: 'succeeded', result: 1 })
    proxy.pass()
    await watch.said('an empty spool', ({ state }) => state === 'empty')
    const { rows } = await pool.query(
      `SELECT status, progress, accepted_at IS NOT NULL AS is_accepted, late_replies FROM command
       WHERE id = ANY($1) ORDER BY id = $2`,
      [ids, ids[1]],
    )
    expect(rows).toEqual([
      expect.objectContaining({ progress: { percent: 60 }, late_replies: 0 }),
      expect.objectContaining({ status: 'succeeded', is_accepted: true, late_replies: 0 }),
    ])
  })

  it('R-DB-23 a broker killed while the database takes what waited on its disk: the next one brings it', async (context) => {
    const { expect } = context
    const { pool, proxy, broker, attach } = await openScene(context)
    const device = await attach('kept')
    await pool.query(`
      CREATE FUNCTION wait_at_gate() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_advisory_xact_lock_shared(${GATE}); RETURN NULL; END $$;
      CREATE TRIGGER wait_at_gate AFTER INSERT ON reading FOR EACH ROW EXECUTE FUNCTION wait_at_gate()`)
    const gate = await pool.connect()
    context.onTestFinished(() => gate.release())
    await gate.query('SELECT pg_advisory_lock($1)', [GATE])
    proxy.refuse()
    const say = (n: number) => device.publishAsync(topics.telemetry('kept'), backlogOf(n, 1), { qos: 1 })
    await Promise.all(Array.from({ length: KEPT }, (_, n) => say(n)))
    proxy.pass()
    const atGate = `SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND application_name LIKE 'telltale-%' AND wait_event = 'advisory'`
    const isAtGate = async () =>
      ((await pool.query(atGate.replace(', pg_terminate_backend(pid)', ''))).rowCount ?? 0) > 0
    await waitFor('what waited, on its way', isAtGate)
    await broker.program.kill()
    await pool.query(atGate)
    await waitFor('the end of that', async () => !(await isAtGate()))
    expect(await storedValues(pool, 'kept')).toEqual({})
    await gate.query('SELECT pg_advisory_unlock($1)', [GATE])
    await broker.restart()
    await waitFor('all of it', async () => (await storedValues(pool, 'kept')).metric0?.length === KEPT)
    const { metric0 } = await storedValues(pool, 'kept')
    expect(metric0).toEqual(Array.from({ length: KEPT }, (_, n) => n))
  })
})
