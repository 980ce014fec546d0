import { Releases } from '@telltale/infra/service'
import { openEngine } from '@telltale/infra/storage/engine'
import type { Pool } from '@telltale/infra/storage/pool'
import { describeEngines } from '@telltale/infra/testing/database'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { messageOf } from './ledger/messages.ts'
import { fillSmallLedger, type SmallLedger, storeReadings, storeRejected } from './ledger-fixture.ts'

/** What is found where all is well. */
const NOTHING = { missing: 0, twice: 0, neverSent: 0, wronglyRejected: 0, repeated: 0, offences: [] }
const ofDevice = (metric: string) =>
  `series_id = (SELECT id FROM series WHERE device_id = 'ledger-1' AND metric = '${metric}')`

describeEngines('what the ledger sees', (engine) => {
  const releases = new Releases()
  let pool: Pool
  let ledger: SmallLedger

  beforeEach(async () => {
    const database = await engine.createDatabase()
    releases.add('database', () => database.drop())
    pool = database.pool
    ledger = await fillSmallLedger(pool)
    releases.add('books', () => ledger.remove())
  })
  afterEach(() => releases.run())

  const timeOf = (n: number) => ledger.script.baseMs + n * ledger.script.strideMs

  it('R-LEDGER-1: what is stored as it was sent is nothing to report', async () => {
    const found = await ledger.compare()
    expect(found).toMatchObject({ ...NOTHING, devices: 2, sent: 400 })
    expect(found.acked).toBeLessThan(400)
    expect(found.storedRows).toBeGreaterThan(1_000)
    // What was sent and not acknowledged may be missing.
    await pool.query(
      `DELETE FROM reading USING series WHERE id = series_id AND device_id = 'ledger-1'
       AND time = to_timestamp($1::float8 / 1000)`,
      [timeOf(ledger.unacknowledged)],
    )
    expect(await ledger.compare()).toMatchObject(NOTHING)
  })

  it('R-LEDGER-2: an acknowledged message that is missing, or one value of it, is reported', async () => {
    const { timed, worded, untimed, unreadable } = ledger.first
    await pool.query(
      `DELETE FROM reading WHERE ${ofDevice('gps.lat')} AND time = to_timestamp($1::float8 / 1000)`,
      [timeOf(timed)],
    )
    await pool.query(
      `DELETE FROM reading_text WHERE ${ofDevice('door')} AND time = to_timestamp($1::float8 / 1000)`,
      [timeOf(worded)],
    )
    await pool.query(`DELETE FROM reading WHERE ${ofDevice('untimed')} AND value = $1`, [
      (JSON.parse(messageOf(ledger.script, 0, untimed).payload) as { untimed: number }).untimed,
    ])
    await pool.query(`DELETE FROM rejected_message WHERE payload = $1`, [
      Buffer.from(messageOf(ledger.script, 0, unreadable).payload),
    ])
    const found = await ledger.compare()
    expect(found).toMatchObject({ ...NOTHING, missing: 4, offences: expect.anything() })
    const missed = [timed, worded, untimed, unreadable].sort((a, b) => a - b)
    expect(found.offences.map(({ is, device, n }) => [is, device, n])).toEqual(
      missed.map((n) => ['missing', 0, n]),
    )
    expect(found.offences.find(({ n }) => n === timed)).toMatchObject({
      ...{ kind: 'timed', sentAtMs: timed * 50, ackedAtMs: timed * 50 + 5 },
      detail: expect.stringContaining('rows found 1111 of 11111'),
    })
  })

  it('R-LEDGER-3: a row that is there twice is reported; of a message without a ts that was sent twice it is only counted', async () => {
    // No statement of the product can do it while these hold.
    for (const table of ['reading', 'reading_text'])
      await pool.query(`ALTER TABLE ${table} DROP CONSTRAINT ${table}_series_id_time_key`)
    const { timed, untimed, unreadable } = ledger.first
    await pool.query(
      `INSERT INTO reading SELECT * FROM reading WHERE ${ofDevice('pressure')} AND time = to_timestamp($1::float8 / 1000)`,
      [timeOf(timed)],
    )
    const again = messageOf(ledger.script, 0, untimed).payload
    const { untimed: value } = JSON.parse(again) as { untimed: number }
    await storeReadings(pool, [
      { device: 0, metric: 'untimed', timeMs: ledger.script.baseMs + 59_000, value },
    ])
    await storeRejected(pool, 0, messageOf(ledger.script, 0, unreadable).payload)
    const all = await ledger.compare()
    expect(all).toMatchObject({ ...NOTHING, twice: 3, repeated: 0, offences: expect.anything() })
    expect(all.offences.map(({ is, n }) => [is, n])).toEqual(
      [unreadable, timed, untimed].map((n) => ['twice', n]),
    )
    ledger.repeat(untimed, unreadable)
    const found = await ledger.compare()
    expect(found).toMatchObject({ ...NOTHING, twice: 1, repeated: 2, offences: [{ is: 'twice', n: timed }] })
  })

  it('R-LEDGER-4: rows nobody sent are reported, whoever they belong to and whenever they are', async () => {
    const { baseMs, strideMs } = ledger.script
    const times = [
      baseMs + 1,
      timeOf(ledger.first.worded),
      baseMs + 5_000 * strideMs,
      baseMs - 2 * 86_400_000 + 1,
    ]
    await (await openEngine(pool)).cover([...times, Date.now(), Date.now() + 60_000])
    await storeReadings(
      pool,
      times.map((timeMs) => ({ device: 0, metric: 'on', timeMs, value: 1 })),
    )
    await storeReadings(pool, [{ device: 0, metric: 'untimed', timeMs: baseMs, value: 12_345 }])
    await storeReadings(pool, [{ device: 0, metric: 'invented', timeMs: timeOf(3), value: 1 }])
    await pool.query(`INSERT INTO device (id, name) VALUES ('stranger', 'stranger')`)
    await pool.query(`INSERT INTO series (device_id, metric, kind) VALUES ('stranger', 'x', 'number')`)
    await pool.query(`INSERT INTO reading SELECT max(id), now(), 1 FROM series`)
    const found = await ledger.compare()
    expect(found).toMatchObject({ ...NOTHING, neverSent: 7, offences: expect.anything() })
    expect(found.offences.map(({ is }) => is)).toEqual(Array(7).fill('never sent'))
  })

  it('R-LEDGER-5: a changed value is reported with the one that was sent', async () => {
    const { timed, backlog, worded } = ledger.first
    const change = (metric: string, timeMs: number) =>
      pool.query(
        `UPDATE reading SET value = value + 0.125 WHERE ${ofDevice(metric)} AND time = to_timestamp($1::float8 / 1000)`,
        [timeMs],
      )
    await change('humidity', timeOf(timed))
    await change('temperature', timeOf(backlog) + 3)
    await pool.query(
      `UPDATE reading_text SET value = 'shut' WHERE ${ofDevice('door')} AND time = to_timestamp($1::float8 / 1000)`,
      [timeOf(worded)],
    )
    const found = await ledger.compare()
    expect(found).toMatchObject({ ...NOTHING, missing: 3, neverSent: 3, offences: expect.anything() })
    const changed = found.offences.filter(({ is }) => is === 'changed')
    expect(changed.map(({ n }) => n).sort()).toEqual([timed, backlog, worded].sort())
    expect(changed.find(({ n }) => n === worded)?.detail).toMatch(/^door = shut at .*; sent was door \d+$/)
  })

  it('R-LEDGER-6: a readable message that was rejected is reported, and one nobody sent', async () => {
    await storeRejected(pool, 0, messageOf(ledger.script, 0, ledger.first.timed).payload)
    const { payload } = messageOf(ledger.script, 0, 64 * 1_000 - 1)
    await storeRejected(pool, 0, payload)
    const found = await ledger.compare()
    expect(found).toMatchObject({
      ...{ ...NOTHING, wronglyRejected: 1, neverSent: 1 },
      offences: [{ is: 'wrongly rejected' }, { is: 'never sent', n: 63_999 }],
    })
  })
})
