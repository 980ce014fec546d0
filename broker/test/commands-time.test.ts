import { randomUUID } from 'node:crypto'
import { createLog } from '@telltale/infra/log'
import { readCommandClock } from '@telltale/infra/storage/command-clock'
import { type CommandRecord, getCommand, insertCommand } from '@telltale/infra/storage/commands'
import { createPool, type Pool } from '@telltale/infra/storage/pool'
import { registerDevice, startTestBroker, type TestBroker } from '@telltale/infra/testing/broker'
import { createTestDatabase, type TestDatabase } from '@telltale/infra/testing/database'
import { waitFor } from '@telltale/infra/testing/wait'
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { CommandClock } from '../src/command-clock.ts'
import { RawDevice } from './raw-device.ts'

const HOUR_MS = 3_600_000
const log = createLog('broker', 'fatal')

async function queue(pool: Pool, deviceId: string, ttlMs: number): Promise<string> {
  const id = randomUUID()
  const { outcome } = await insertCommand(pool, {
    ...{ id, deviceId, name: 'x', params: {}, ttlMs, createdBy: 'test' },
  })
  expect(outcome).toBe('created')
  return id
}

describe('the wall clock of the database is set', () => {
  let database: TestDatabase
  let pool: Pool
  let broker: TestBroker
  const open: RawDevice[] = []

  beforeAll(async () => {
    database = await createTestDatabase()
    await installSettableClock(database)
    pool = createPool({ url: database.url, name: 'test', max: 4 })
    broker = await startTestBroker(database.url)
  })
  afterEach(() => {
    for (const device of open.splice(0)) device.cut()
  })
  afterAll(async () => {
    expect(await broker?.program.stop()).toBe(0)
    await pool?.end()
    await database?.drop()
  })

  const record = async (id: string) => (await getCommand(pool, id)) as CommandRecord
  const isCorrected = async (aheadMs: number) =>
    Math.abs((await readCommandClock(pool)).aheadMs - aheadMs) < HOUR_MS / 2

  it.each([
    ['forward', HOUR_MS],
    ['back', -HOUR_MS],
  ])('C-CLOCK-1 an hour %s: what lives does not expire, what is over is not sent', async (name, jumpMs) => {
    const { aheadMs } = await readCommandClock(pool)
    const [away, waiting] = [await registerDevice(pool, name), await registerDevice(pool, `${name}-waiting`)]
    const connected = await RawDevice.connect(broker.port, waiting)
    open.push(connected)
    const answered = await queue(pool, `${name}-waiting`, 30_000)
    await waitFor('its delivery', () => connected.deliveries.length > 0)
    for (const delivery of connected.deliveries) connected.puback(delivery)
    await waitFor('delivered', async () => (await record(answered)).status === 'delivered')
    const [long, short] = [await queue(pool, name, 30_000), await queue(pool, name, 1_500)]

    await setClock(pool, jumpMs)
    // Before any broker can have noticed.
    const hasty = await queue(pool, name, 30_000)
    await waitFor('the correction', () => isCorrected(aheadMs - jumpMs))
    const late = await queue(pool, name, 30_000)
    await waitFor('the end of the short one', async () => (await record(short)).status === 'expired')

    const device = await RawDevice.connect(broker.port, away, (delivery, to) => to.puback(delivery))
    open.push(device)
    await waitFor('three deliveries', () => device.deliveries.length === 3)
    expect(device.deliveries.map(({ id }) => id)).toEqual([long, hasty, late])
    for (const { ttlMs } of device.deliveries) {
      expect(ttlMs).toBeGreaterThan(5_000)
      expect(ttlMs).toBeLessThanOrEqual(30_000)
    }
    expect((await record(answered)).status).toBe('delivered')
    for (const id of [long, hasty, late]) {
      const { expiresAt } = await record(id)
      const { rows } = await pool.query<{ left_ms: number }>(
        'SELECT extract(epoch FROM $1::timestamptz - clock_timestamp())::double precision * 1000 AS left_ms',
        [expiresAt],
      )
      expect(rows[0]?.left_ms).toBeGreaterThan(0)
      expect(rows[0]?.left_ms).toBeLessThanOrEqual(30_000)
    }
    connected.reply(answered, { status: 'succeeded' })
    await waitFor('its answer', async () => (await record(answered)).status === 'succeeded')
  })

  it('C-CLOCK-2 a command that the device has and does not answer times out by the stopwatch', async () => {
    const { aheadMs } = await readCommandClock(pool)
    const device = await RawDevice.connect(broker.port, await registerDevice(pool, 'mute'), (delivery, to) =>
      to.puback(delivery),
    )
    open.push(device)
    const id = await queue(pool, 'mute', 2_000)
    await waitFor('delivered', async () => (await record(id)).status === 'delivered')
    await setClock(pool, -HOUR_MS)
    await waitFor('the correction', () => isCorrected(aheadMs + HOUR_MS))
    await waitFor('its end', async () => (await record(id)).status === 'timed_out')
  })
})

describe('CommandClock', () => {
  let database: TestDatabase

  beforeAll(async () => {
    database = await createTestDatabase()
  })
  afterEach(() => database.pool.query('DELETE FROM command_clock'))
  afterAll(() => database?.drop())

  /** The clock of one broker, whose stopwatch can be moved: to it, that is the database's clock moving. */
  function clockOf() {
    const stopwatch = { offMs: 0 }
    const elapsedMs = () => performance.now() + stopwatch.offMs
    return { stopwatch, clock: new CommandClock({ pool: database.pool, log }, elapsedMs) }
  }
  const ahead = async () => (await readCommandClock(database.pool)).aheadMs

  it('C-CLOCK-3 brokers that see the same jump correct it once', async () => {
    const brokers = [clockOf(), clockOf(), clockOf()]
    await Promise.all(brokers.map(({ clock }) => clock.check()))
    for (const { stopwatch } of brokers) stopwatch.offMs -= HOUR_MS
    for (let round = 0; round < 3; round++) await Promise.all(brokers.map(({ clock }) => clock.check()))
    expect(Math.abs((await ahead()) + HOUR_MS)).toBeLessThan(1_000)
    for (const { clock } of brokers) {
      const { nowMs } = await readCommandClock(database.pool)
      expect(Math.abs((await clock.now()) - nowMs)).toBeLessThan(1_000)
    }
  })

  it('C-CLOCK-4 a broker whose own stopwatch stood is not argued with for ever', async () => {
    const [slept, awake] = [clockOf(), clockOf()]
    await slept.clock.check()
    await awake.clock.check()
    slept.stopwatch.offMs -= HOUR_MS
    await slept.clock.check()
    const corrected = await ahead()
    for (let round = 0; round < 5; round++) {
      await awake.clock.check()
      await slept.clock.check()
    }
    expect(await ahead()).toBe(corrected)
    expect(Math.abs((await awake.clock.now()) - (await slept.clock.now()))).toBeLessThan(1_000)
  })

  it('C-CLOCK-5 clocks that part by a little are followed without a word', async () => {
    // Both stand but when they are moved: what the machine takes to read them is no drift.
    const pool = await poolWithStandingClock(database)
    onTestFinished(() => pool.end())
    const stopwatch = { ms: 0 }
    const clock = new CommandClock({ pool, log }, () => stopwatch.ms)
    await clock.check()
    for (const driftMs of [300, -600, 900]) {
      stopwatch.ms += driftMs
      await clock.check()
      const { nowMs } = await readCommandClock(pool)
      expect(await clock.now()).toBe(nowMs)
    }
    expect(await ahead()).toBe(0)
  })
})

/** Shadows the two functions that the server's clock is asked by, for every connection made from now on. */
async function installSettableClock({ pool, url }: TestDatabase): Promise<void> {
  const name = new URL(url).pathname.slice(1)
  await pool.query(`
    CREATE SCHEMA settable;
    CREATE TABLE settable.clock (off_ms bigint NOT NULL);
    INSERT INTO settable.clock VALUES (0);
    CREATE FUNCTION settable.clock_timestamp() RETURNS timestamptz VOLATILE LANGUAGE sql AS
      $$ SELECT pg_catalog.clock_timestamp() + off_ms * interval '1 millisecond' FROM settable.clock $$;
    CREATE FUNCTION settable.now() RETURNS timestamptz STABLE LANGUAGE sql AS
      $$ SELECT pg_catalog.now() + off_ms * interval '1 millisecond' FROM settable.clock $$;
    ALTER DATABASE ${name} SET search_path = settable, public, pg_catalog`)
}

/** Its connections are the only ones that see the clock so. */
async function poolWithStandingClock(database: TestDatabase): Promise<Pool> {
  await database.pool.query(`
    CREATE SCHEMA standing;
    CREATE FUNCTION standing.clock_timestamp() RETURNS timestamptz STABLE LANGUAGE sql AS
      $$ SELECT timestamptz '2026-01-01T00:00:00Z' $$`)
  const url = new URL(database.url)
  url.searchParams.set('options', '-c search_path=standing,public,pg_catalog')
  return createPool({ url: url.href, name: 'test', max: 1 })
}

async function setClock(pool: Pool, byMs: number): Promise<void> {
  await pool.query('UPDATE settable.clock SET off_ms = off_ms + $1', [byMs])
}
