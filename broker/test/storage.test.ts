import { deleteDevice } from '@telltale/infra/storage/deletions'
import { registerDevice, startTestBroker, type TestBroker } from '@telltale/infra/testing/broker'
import { describeEngines, type TestDatabase } from '@telltale/infra/testing/database'
import { waitFor } from '@telltale/infra/testing/wait'
import { connectAsync, type MqttClient } from 'mqtt'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { topics } from '../src/contract/index.ts'

describeEngines('what a broker keeps in the database', (testEngine) => {
  let database: TestDatabase
  let broker: TestBroker
  beforeAll(async () => {
    database = await testEngine.createDatabase()
    broker = await startTestBroker(database.url)
  })
  afterAll(async () => {
    expect(await broker?.program.stop()).toBe(0)
    await database?.drop()
  })

  async function connectDevice(id: string): Promise<MqttClient> {
    const credentials = await registerDevice(database.pool, id)
    const client = await connectAsync(broker.url, { ...credentials, reconnectPeriod: 0 })
    // A client that is disconnected by design must not fail the run.
    client.on('error', () => {})
    return client
  }

  const publish = (client: MqttClient, id: string, payload: unknown) =>
    client.publishAsync(topics.telemetry(id), JSON.stringify(payload), { qos: 1 })

  async function latest(id: string) {
    const { rows } = await database.pool.query(
      `SELECT s.metric, (extract(epoch FROM l.time) * 1000)::float8 AS t, l.number, l.text
       FROM latest_reading l JOIN series s ON s.id = l.series_id WHERE s.device_id = $1 ORDER BY 1`,
      [id],
    )
    return rows.map((row) => [row.metric, row.t, row.number ?? row.text])
  }

  it('T-ACK-3 on this engine too the reading is in the database when the PUBACK is', async () => {
    const device = await connectDevice('acked')
    const ts = Date.now()
    await publish(device, 'acked', { ts, values: { a: 1, s: 'on' } })
    const { rows } = await database.pool.query(
      `SELECT r.value FROM reading r JOIN series s ON s.id = r.series_id WHERE s.device_id = 'acked'`,
    )
    expect(rows).toEqual([{ value: 1 }])
    await device.endAsync()
  })

  it('T-LATE-5 a late reading is noted when its PUBACK is there', async () => {
    const device = await connectDevice('late')
    const ts = Date.now() - 3_600_000
    await publish(device, 'late', { ts, values: { a: 1 } })
    const { rowCount } = await database.pool.query(
      `SELECT FROM late_reading l JOIN series s ON s.id = l.series_id
       WHERE s.device_id = 'late' AND $1 BETWEEN first_at AND last_at`,
      [new Date(ts)],
    )
    expect(rowCount).toBe(1)
    await device.endAsync()
  })

  it('T-NEWEST-1 the newest value of each metric by event time is kept, whatever order readings come in', async () => {
    const device = await connectDevice('kitchen')
    const now = Date.now()
    await publish(device, 'kitchen', { ts: now - 1_000, values: { a: 1, s: 'on' } })
    await publish(device, 'kitchen', [
      { ts: now, values: { a: 3 } },
      { ts: now - 86_400_000, values: { a: 2, s: 'off', old: 7 } },
    ])
    // The same identity with another value: the first one stays, here as well.
    await publish(device, 'kitchen', { ts: now, values: { a: 99 } })
    await waitFor('the latest readings', async () => (await latest('kitchen')).length === 3)
    expect(await latest('kitchen')).toEqual([
      ['a', now, 3],
      ['old', now - 86_400_000, 7],
      ['s', now - 1_000, 'on'],
    ])
    await device.endAsync()
  })

  it('T-NEWEST-2 what a killed broker had not saved is found at its next start', async () => {
    const device = await connectDevice('cut')
    const ts = Date.now()
    await publish(device, 'cut', { ts, values: { a: 1 } })
    await broker.program.kill()
    await database.pool.query(
      `DELETE FROM latest_reading WHERE series_id IN (SELECT id FROM series WHERE device_id = 'cut')`,
    )
    await broker.restart()
    await waitFor('the repaired reading', async () => (await latest('cut')).length === 1)
    expect(await latest('cut')).toEqual([['a', ts, 1]])
    await device.endAsync(true)
  })

  it('T-SERIES-4 a device deleted and made again never writes to its former series, not even on an old connection', async () => {
    const device = await connectDevice('again')
    await publish(device, 'again', { a: 1 })
    // Nobody tells the broker: it finds out by itself, before the next batch.
    await deleteDevice(database.pool, 'again', 'test')
    await database.pool.query(`INSERT INTO device (id, name) VALUES ('again', 'again')`)
    await publish(device, 'again', { ts: Date.now(), values: { a: 2 } })
    const { rows } = await database.pool.query(
      `SELECT r.value FROM reading r JOIN series s ON s.id = r.series_id WHERE s.device_id = 'again'`,
    )
    expect(rows).toEqual([{ value: 2 }])
    await device.endAsync(true)
  })

  it('T-DELETE-3 the broker removes what a deleted device left', async () => {
    const device = await connectDevice('gone')
    await publish(device, 'gone', { a: 1, b: 2, s: 'x' })
    await device.endAsync()
    await deleteDevice(database.pool, 'gone', 'test')
    const deletion = async () =>
      (await database.pool.query(`SELECT * FROM device_deletion WHERE device_id = 'gone'`)).rows[0]
    const { series_ids } = await deletion()
    await waitFor('the removal', async () => (await deletion()).readings_deleted === 3, 20_000)
    for (const table of ['reading', 'reading_text', 'latest_reading'])
      expect(
        (await database.pool.query(`SELECT FROM ${table} WHERE series_id = ANY($1)`, [series_ids])).rowCount,
        table,
      ).toBe(0)
  })
})
