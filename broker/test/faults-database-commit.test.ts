import { setTimeout as sleep } from 'node:timers/promises'
import type { Pool } from '@telltale/infra/storage/pool'
import { registerDevice } from '@telltale/infra/testing/broker'
import { describeEngines } from '@telltale/infra/testing/database'
import { random } from '@telltale/infra/testing/random'
import { waitFor } from '@telltale/infra/testing/wait'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { topics } from '../src/contract/index.ts'
import { storedValues } from './clients.ts'
import { FaultWorld } from './fault-world.ts'
import { type BrokerUrl, openRawClient, publishPacket, type RawClient } from './mqtt/raw-client.ts'

const SHORT = 20
const SEED = 20_260_725
/** An advisory lock that commits wait for, as these tests have it. */
const GATE = 4_242

describeEngines('commits and locks', (testEngine) => {
  let world: FaultWorld
  let pool: Pool

  beforeAll(async () => {
    const database = await testEngine.createDatabase()
    pool = database.pool
    await inCommit()
    await pool.query(`CREATE CONSTRAINT TRIGGER in_commit AFTER INSERT ON reading DEFERRABLE INITIALLY DEFERRED
      FOR EACH ROW EXECUTE FUNCTION in_commit()`)
    world = await FaultWorld.open({ database })
  })
  beforeEach(() => world.tellWhy())
  afterEach(async () => {
    world.proxy.pass()
    await inCommit()
  })
  afterAll(() => world?.close())

  /** From now on every commit of readings does this first: what is asked for is no longer the client's to stop. */
  async function inCommit(statements = ''): Promise<void> {
    await pool.query(`CREATE OR REPLACE FUNCTION in_commit() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN ${statements} RETURN NULL; END $$`)
  }

  /** @returns how many connections of the broker's writer are in that state */
  async function writers(state: string): Promise<number> {
    const { rowCount } = await pool.query(
      `SELECT FROM pg_stat_activity
       WHERE datname = current_database() AND application_name = 'telltale-writer' AND ${state}`,
    )
    return rowCount ?? 0
  }

  async function connectRaw(deviceId: string): Promise<RawClient> {
    const raw = await openRawClient(world.broker.url as BrokerUrl)
    raw.send({
      ...{ cmd: 'connect', protocolId: 'MQTT', protocolVersion: 4, clean: true, keepalive: 60 },
      ...{ clientId: deviceId, username: deviceId, password: Buffer.from(`secret-of-${deviceId}`) },
    })
    await raw.next('connack')
    return raw
  }

  async function rejectedOf(deviceId: string): Promise<string[]> {
    const { rows } = await pool.query(
      `SELECT convert_from(payload, 'UTF8') AS text FROM rejected_message WHERE device_id = $1`,
      [deviceId],
    )
    return rows.map(({ text }) => text)
  }

  /** Messages whose commit is done and of whose answer nobody hears. */
  async function commitUnheard(deviceId: string, payloads: string[]): Promise<RawClient> {
    await registerDevice(pool, deviceId)
    const raw = await connectRaw(deviceId)
    // Its series are known afterwards: the messages need nothing but their commit.
    const earlier = `{"ts":${Date.now() - 60_000},"values":{"n":0,"s":"first"}}`
    await raw.publish(topics.telemetry(deviceId), earlier, { qos: 1 })
    await world.load.pause()
    await inCommit(`PERFORM pg_advisory_xact_lock_shared(${GATE});`)
    const gate = await pool.connect()
    await gate.query('SELECT pg_advisory_lock($1)', [GATE])
    raw.send(...publishes(deviceId, payloads))
    await waitFor('the commit', async () => (await writers(`wait_event = 'advisory'`)) > 0)
    world.proxy.holdAnswers()
    await gate.query('SELECT pg_advisory_unlock($1)', [GATE])
    gate.release()
    await waitFor('its end', async () => (await storedValues(pool, deviceId)).n?.includes(1))
    expect(raw.inbox).toEqual([])
    return raw
  }

  const publishes = (deviceId: string, payloads: string[]) =>
    payloads.map((payload, i) =>
      publishPacket(topics.telemetry(deviceId), payload, { qos: 1, messageId: 100 + i }),
    )

  const acknowledged = (raw: RawClient, count: number) =>
    waitFor('all PUBACKs', () => raw.inbox.filter(({ cmd }) => cmd === 'puback').length === count)

  it.each([
    [
      'R-DB-6',
      'reset',
      () => {
        world.proxy.refuse()
        world.proxy.pass()
      },
    ],
    ['R-DB-7', 'silent', () => {}],
  ] as const)(
    '%s a connection that is %s after the commit: the broker finds out by identity, whatever the message was',
    async (id, _what, harm) => {
      // With its time, with two of them, without, and not to be read at all.
      const ts = Date.now()
      const payloads = [
        ...[`{"ts":${ts + 1},"values":{"n":1}}`, '?1', '{"n":2}', '?2'],
        ...[`[{"ts":${ts + 3},"values":{"n":3,"s":"x"}},{"n":4}]`, '?2'],
      ]
      const raw = await commitUnheard(id, payloads)
      harm()
      await acknowledged(raw, payloads.length)
      world.proxy.pass()
      world.load.resume()
      await world.recovered()
      expect((await storedValues(pool, id)).n?.sort()).toEqual([0, 1, 2, 3, 4])
      expect((await rejectedOf(id)).sort()).toEqual(['?1', '?2', '?2'])
      raw.drop()
    },
  )

  it('R-DB-8 backends terminated inside COMMIT, again and again: all is stored once', async () => {
    // Once in a transaction: long enough to be met there.
    await inCommit(`IF current_setting('test.met', true) IS DISTINCT FROM txid_current()::text THEN
      PERFORM set_config('test.met', txid_current()::text, true), pg_sleep(0.02); END IF;`)
    const next = random(SEED)
    // Between two attempts the broker waits longer and longer, and so do we.
    for (let met = 0; met < 4; ) {
      await sleep(next() * 40)
      const { rows } = await pool.query(
        `SELECT wait_event = 'PgSleep' AS is_met, pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND application_name = 'telltale-writer' AND state = 'active'`,
      )
      met += rows.filter(({ is_met }) => is_met).length
    }
    await inCommit()
    await world.recovered()
    expect(await world.load.faults(), `seed ${SEED}`).toEqual([])
  })

  it('R-DB-9 a deadlock that ends the commit of the broker: stored all the same, once', async () => {
    await registerDevice(pool, 'locked')
    const raw = await connectRaw('locked')
    await raw.publish(topics.telemetry('locked'), '{"n":0}', { qos: 1 })
    const deadlocks = async () =>
      (await pool.query('SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()')).rows[0]
        .deadlocks
    const before = await deadlocks()
    const [first, second] = [Date.now() - 2_000, Date.now() - 1_000]
    const rival = await pool.connect()
    // The rival waits longer than the broker before it looks for a deadlock: the broker is the one to fall.
    await rival.query(`BEGIN; SET LOCAL deadlock_timeout = '20s'`)
    const insert = (timeMs: number) =>
      rival.query(
        `INSERT INTO reading SELECT id, $1, -1 FROM series WHERE device_id = 'locked' AND metric = 'n'`,
        [new Date(timeMs)],
      )
    await insert(second)
    raw.send(
      publishPacket(
        topics.telemetry('locked'),
        `[{"ts":${first},"values":{"n":1}},{"ts":${second},"values":{"n":2}}]`,
        { qos: 1 },
      ),
    )
    await waitFor('the broker to wait', async () => (await writers(`wait_event_type = 'Lock'`)) > 0)
    await insert(first)
    await rival.query('ROLLBACK')
    rival.release()
    await raw.take('puback')
    await waitFor('word of the deadlock', async () => (await deadlocks()) > before)
    await world.recovered()
    expect((await storedValues(pool, 'locked')).n?.sort()).toEqual([0, 1, 2])
    expect(await world.load.faults()).toEqual([])
    raw.drop()
  })

  it('R-DB-10 a long lock, and a change of the table that waits for a reader: acknowledged all the while', async () => {
    const holder = await pool.connect()
    for (const [held, waiting] of [
      ['LOCK TABLE reading IN ACCESS EXCLUSIVE MODE', undefined],
      ['SELECT FROM reading LIMIT 1', 'ALTER TABLE reading ALTER COLUMN value SET DEFAULT 0'],
    ] as const) {
      await holder.query(`BEGIN; ${held}`)
      const change = waiting && pool.query(waiting)
      await waitFor('the broker to wait', async () => (await writers(`wait_event_type = 'Lock'`)) > 0)
      await world.load.goesOn(SHORT)
      await holder.query('ROLLBACK')
      await change
      await world.recovered()
    }
    holder.release()
    expect(await world.load.faults()).toEqual([])
  })

  // The last one: the load does not come back.
  it('R-DB-5 killed between a commit and its PUBACK: sent again, stored once', async () => {
    const payloads = [1, 2, 3].map((n) => `{"ts":${Date.now() + n},"values":{"n":${n},"s":"t${n}"}}`)
    const raw = await commitUnheard('killed', payloads)
    await world.broker.program.kill()
    expect(await raw.closed()).toEqual([])
    world.proxy.pass()
    await world.broker.restart()
    const again = await connectRaw('killed')
    again.send(...publishes('killed', payloads))
    await acknowledged(again, payloads.length)
    expect(await storedValues(pool, 'killed')).toEqual({ n: [0, 1, 2, 3] })
    const { rows } = await pool.query(
      `SELECT value FROM reading_text t JOIN series s ON s.id = t.series_id WHERE device_id = 'killed' ORDER BY time`,
    )
    expect(rows.map(({ value }) => value)).toEqual(['first', 't1', 't2', 't3'])
    again.drop()
  })
})
