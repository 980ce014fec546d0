import { randomBytes, randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { limits } from '@telltale/infra/limits'
import { insertCommand, listCommandEvents } from '@telltale/infra/storage/commands'
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
/** Replies of 40 KB; a device has room for 26 of them. */
const OFFERED = 100

const backlogOf = (n: number, metrics: number) => {
  const values = Object.fromEntries(Array.from({ length: metrics }, (_, i) => [`metric${i}`, n + i]))
  return JSON.stringify({ ts: Date.now() - AGO_MS + n, values })
}

describe.concurrent('the end of an outage', () => {
  it('R-DB-21 a database that is far away stands still once: the outage ends, though each answer is late', async (context) => {
    const { expect } = context
    const { proxy, watch, attach } = await openScene(context)
    const clients = await Promise.all(Array.from({ length: DEVICES }, (_, i) => attach(`far-${i}`)))
    let [n, acknowledged, slowestMs] = [0, 0, 0]
    const timer = setInterval(() => {
      const sentMs = performance.now()
      for (const [i, client] of clients.entries())
        client.publish(topics.telemetry(`far-${i}`), backlogOf(n++, METRICS), { qos: 1 }, (error) => {
          if (error) return
          acknowledged++
          slowestMs = Math.max(slowestMs, performance.now() - sentMs)
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
    slowestMs = 0
    const next = await watch.said('its next word', () => true)
    // What the database takes longer for, on a machine that is slow, goes to disk by right.
    if (slowestMs < limits.spool.engageAfterMs)
      expect(isDirect(next.spool), JSON.stringify([spool, next.spool])).toBe(true)
  })

  it('R-DB-22 replies that waited, and those said while readings come back, take effect in their order', async (context) => {
    const { expect } = context
    const { pool, proxy, watch, attach } = await openScene(context)
    const [bulk, device] = [await attach('bulk'), await attach('replying')]
    const ids = [await deliveredCommand(pool, 'replying'), await deliveredCommand(pool, 'replying')] as const
    const reply = (id: string, word: object) =>
      device.publishAsync(replyTopic('replying', id), JSON.stringify(word), { qos: 1 })
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

  it('R-DB-24 what waited and is more than one statement may do is stored in smaller pieces', async (context) => {
    const { expect } = context
    const { pool, proxy, watch, attach } = await openScene(context)
    const device = await attach('heavy')
    // As if rows took so long that no more of them are done in the time a statement has.
    await pool.query(`
      CREATE FUNCTION weigh() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE rows int := coalesce(nullif(current_setting('test.rows', true), ''), '0')::int + 1;
        BEGIN
          IF rows > ${3 * METRICS} THEN RAISE 'as if it took too long' USING ERRCODE = '57014'; END IF;
          PERFORM set_config('test.rows', rows::text, true);
          RETURN NEW;
        END $$;
      CREATE TRIGGER weigh BEFORE INSERT ON reading FOR EACH ROW EXECUTE FUNCTION weigh()`)
    proxy.refuse()
    const say = (n: number) =>
      device.publishAsync(topics.telemetry('heavy'), backlogOf(n, METRICS), { qos: 1 })
    await Promise.all(Array.from({ length: KEPT }, (_, n) => say(n)))
    proxy.pass()
    await watch.said('an empty spool', ({ state }) => state === 'empty')
    const { metric0 } = await storedValues(pool, 'heavy')
    expect(metric0).toEqual(Array.from({ length: KEPT }, (_, n) => n))
    expect((await pool.query('SELECT FROM rejected_message')).rowCount).toBe(0)
  })

  it('R-DB-25 what is said of a command takes effect in its order, and is noted once: its row is held', async (context) => {
    const { expect } = context
    const { pool, attach } = await openScene(context)
    const device = await attach('held')
    const id = await deliveredCommand(pool, 'held')
    const holder = await pool.connect()
    context.onTestFinished(() => holder.release())
    await holder.query('BEGIN')
    await holder.query('SELECT FROM command WHERE id = $1 FOR UPDATE', [id])
    await Promise.all([saysProgress(device, id, 50), saysProgress(device, id, 60)])
    await holder.query('COMMIT')
    await saysProgress(device, id, 70)
    await waitFor('the last of it', async () => (await progressOf(pool, id)).at(-1) === 70)
    expect(await progressOf(pool, id)).toEqual([50, 60, 70])
  })

  it('R-DB-25 what is said of a command takes effect in its order, and is noted once: the first loses a race', async (context) => {
    const { expect } = context
    const { pool, attach } = await openScene(context)
    const device = await attach('raced')
    const id = await deliveredCommand(pool, 'raced')
    await pool.query(`
      CREATE SEQUENCE tries;
      CREATE FUNCTION lose_once() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF nextval('tries') = 1 THEN RAISE 'as if it lost a race' USING ERRCODE = '40001'; END IF;
        RETURN NEW;
      END $$;
      CREATE TRIGGER lose_once BEFORE UPDATE ON command FOR EACH ROW EXECUTE FUNCTION lose_once()`)
    await Promise.all([saysProgress(device, id, 50), saysProgress(device, id, 60)])
    expect(await progressOf(pool, id)).toEqual([50, 60])
  })

  it('R-DB-26 one device that replies without end has its share of the room, and holds up nobody else', async (context) => {
    const { expect } = context
    const { proxy, watch, attach } = await openScene(context)
    const [greedy, other] = [await attach('greedy'), await attach('other')]
    const said = (length: number) =>
      JSON.stringify({ status: 'succeeded', result: randomBytes(length).toString('base64') })
    proxy.refuse()
    let acknowledged = 0
    for (let n = 0; n < OFFERED; n++)
      greedy.publish(replyTopic('greedy', randomUUID()), said(30_000), { qos: 1 }, (error) => {
        if (!error) acknowledged++
      })
    await waitFor('its share to be taken', () => acknowledged > OFFERED / 10)
    for (const at of ['first', 'second']) {
      await watch.said(`the ${at} word after that`, () => true)
      await other.publishAsync(replyTopic('other', randomUUID()), said(10), { qos: 1 })
      await other.publishAsync(topics.telemetry('other'), '{"a":1}', { qos: 1 })
    }
    expect(acknowledged).toBeLessThan(OFFERED / 2)
    proxy.pass()
    await waitFor('all of it', () => acknowledged === OFFERED)
  })
})

const replyTopic = (deviceId: string, id: string) => `devices/${deviceId}/commands/${id}/reply`

/** @returns the id of a command that waits for its reply for an hour */
async function deliveredCommand(pool: Pool, deviceId: string): Promise<string> {
  const id = randomUUID()
  await insertCommand(pool, { id, deviceId, name: 'blink', params: {}, ttlMs: 600_000, createdBy: 'test' })
  await pool.query(
    `UPDATE command SET status = 'delivered', sent_at = now(), delivered_at = now(),
       reply_due_at = now() + interval '1 hour' WHERE id = $1`,
    [id],
  )
  return id
}

async function saysProgress(device: MqttClient, id: string, percent: number): Promise<void> {
  const { username } = device.options
  const reply = JSON.stringify({ status: 'progress', result: { percent } })
  await device.publishAsync(replyTopic(String(username), id), reply, { qos: 1 })
}

/** The percentages in its history. */
async function progressOf(pool: Pool, id: string): Promise<number[]> {
  const events = await listCommandEvents(pool, id)
  const progress = events.filter(({ status }) => status === 'progress')
  return progress.map(({ detail }) => (detail as { percent: number }).percent)
}
