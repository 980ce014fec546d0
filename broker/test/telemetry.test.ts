import { registerDevice, startTestBroker, type TestBroker } from '@telltale/infra/testing/broker'
import { createTestDatabase, type TestDatabase } from '@telltale/infra/testing/database'
import { waitFor } from '@telltale/infra/testing/wait'
import { connectAsync, type MqttClient } from 'mqtt'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { topics } from '../src/contract/index.ts'

let database: TestDatabase
let broker: TestBroker
let device: MqttClient

beforeAll(async () => {
  database = await createTestDatabase()
  broker = await startTestBroker(database.url)
  const credentials = await registerDevice(database.pool, 'kitchen')
  device = await connectAsync(broker.url, { ...credentials, reconnectPeriod: 0 })
})
afterAll(async () => {
  await device?.endAsync()
  expect(await broker?.program.stop()).toBe(0)
  await database?.drop()
})

/** Every stored reading of the device, oldest first: [metric, epoch ms, value]. */
async function stored(deviceId = 'kitchen') {
  const { rows } = await database.pool.query(
    `SELECT s.metric, (extract(epoch FROM r.time) * 1000)::float8 AS t, r.value::text AS v
     FROM reading r JOIN series s ON s.id = r.series_id WHERE s.device_id = $1
     UNION ALL SELECT s.metric, (extract(epoch FROM r.time) * 1000)::float8, r.value
     FROM reading_text r JOIN series s ON s.id = r.series_id WHERE s.device_id = $1
     ORDER BY 2, 1`,
    [deviceId],
  )
  return rows.map((row) => [row.metric, row.t, row.v])
}

async function rejectedReasons(): Promise<string[]> {
  const { rows } = await database.pool.query('SELECT reason FROM rejected_message ORDER BY id')
  return rows.map((row) => row.reason)
}

describe('telemetry over MQTT', () => {
  it('T-ACK-1 the reading is in the database when the PUBACK is', async () => {
    const ts = Date.now()
    await device.publishAsync(topics.telemetry('kitchen'), JSON.stringify({ ts, values: { a: 21.5 } }), {
      qos: 1,
    })
    expect(await stored()).toContainEqual(['a', ts, '21.5'])
  })

  it('T-ACK-2 QoS 2 is stored once, and its PUBREC means stored', async () => {
    const ts = Date.now()
    await device.publishAsync(topics.telemetry('kitchen'), JSON.stringify({ ts, values: { q2: 1 } }), {
      qos: 2,
    })
    expect((await stored()).filter(([metric]) => metric === 'q2')).toEqual([['q2', ts, '1']])
  })

  it('T-DUP-1 a redelivery changes nothing; another value keeps the first', async () => {
    const ts = Date.now()
    for (const value of [1, 1, 2, 1])
      await device.publishAsync(topics.telemetry('kitchen'), JSON.stringify({ ts, values: { dup: value } }), {
        qos: 1,
      })
    expect((await stored()).filter(([metric]) => metric === 'dup')).toEqual([['dup', ts, '1']])
  })

  it('T-METRIC-1 a plain value on its own topic', async () => {
    for (const [metric, payload] of [
      ['n', '21.5'],
      ['b', 'true'],
      ['s', '"quoted"'],
      ['u', 'door open'],
    ] as const)
      await device.publishAsync(topics.metric('kitchen', metric), payload, { qos: 1 })
    const values = Object.fromEntries((await stored()).map(([metric, , value]) => [metric, value]))
    expect(values).toMatchObject({ n: '21.5', b: '1', s: 'quoted', u: 'door open' })
  })

  it('T-REJECT-1 what cannot be read is acknowledged, kept with its reason, and the device stays connected', async () => {
    const before = (await rejectedReasons()).length
    const unreadable = [
      '{',
      '{"a":NaN}',
      '{"a":1e400}',
      '{"a":"\\u0000"}',
      '{"a":"\\ud800"}',
      '[]',
      '{}',
      '"x"',
    ]
    for (const payload of unreadable)
      await device.publishAsync(topics.telemetry('kitchen'), payload, { qos: 1 })
    expect((await rejectedReasons()).length - before).toBe(unreadable.length)
    expect(device.connected).toBe(true)
  })

  it('T-POISON-1 a row the database refuses does not take its batch down', async () => {
    await database.pool.query('ALTER TABLE reading ADD CONSTRAINT poison CHECK (value <> 666)')
    const base = Date.now() - 60_000
    const values = [1, 2, 666, 4, 5, 6, 7, 8]
    await Promise.all(
      values.map((value, i) =>
        device.publishAsync(
          topics.telemetry('kitchen'),
          JSON.stringify({ ts: base + i, values: { p: value } }),
          { qos: 1 },
        ),
      ),
    )
    await database.pool.query('ALTER TABLE reading DROP CONSTRAINT poison')
    const kept = (await stored()).filter(([metric]) => metric === 'p').map(([, , value]) => Number(value))
    expect(kept).toEqual([1, 2, 4, 5, 6, 7, 8])
    expect((await rejectedReasons()).at(-1)).toMatch(/the database refused it.*poison/)
  })

  it('T-STAMP-3 a burst without times is as many readings as messages, in their order', async () => {
    const sent = Array.from({ length: 200 }, (_, i) => i)
    const send = (i: number) => device.publishAsync(topics.telemetry('kitchen'), `{"burst":${i}}`, { qos: 1 })
    await Promise.all(sent.map(send))
    await device.publishAsync(topics.telemetry('kitchen'), '[{"burst":200},{"burst":201}]', { qos: 1 })
    const values = (await stored())
      .filter(([metric]) => metric === 'burst')
      .map(([, , value]) => Number(value))
    expect(values).toEqual([...sent, 200, 201])
  })

  it('T-KINDS-1 a metric that changes its type keeps both kinds of readings', async () => {
    for (const value of ['5', '"five"', 'true', '6'])
      await device.publishAsync(topics.telemetry('kitchen'), `{"mixed":${value}}`, { qos: 1 })
    const values = (await stored()).filter(([metric]) => metric === 'mixed').map(([, , value]) => value)
    expect(values).toEqual(['5', 'five', '1', '6'])
    const { rows } = await database.pool.query(`SELECT kind, mixed FROM series WHERE metric = 'mixed'`)
    expect(rows).toEqual([{ kind: 'number', mixed: true }])
  })

  it('T-RECONNECT-1 reconnecting while others bring new metrics quarantines nothing', async () => {
    const others = await Promise.all(
      Array.from({ length: 4 }, async (_, i) => {
        const credentials = await registerDevice(database.pool, `other${i}`)
        return connectAsync(broker.url, { ...credentials, reconnectPeriod: 0 })
      }),
    )
    const credentials = await registerDevice(database.pool, 'restless')
    for (let round = 0; round < 15; round++) {
      const restless = await connectAsync(broker.url, { ...credentials, reconnectPeriod: 0 })
      await Promise.all([
        ...others.map((other, i) =>
          other.publishAsync(topics.telemetry(`other${i}`), `{"new${round}":1}`, { qos: 1 }),
        ),
        ...[1, 2, 3].map((n) =>
          restless.publishAsync(topics.telemetry('restless'), `{"a${n}":1}`, { qos: 1 }),
        ),
      ])
      await restless.endAsync()
    }
    const { rows } = await database.pool.query(
      `SELECT count(*) AS n FROM rejected_message WHERE device_id IN ('restless', 'other0', 'other1')`,
    )
    expect(rows[0].n).toBe(0)
    expect((await stored('restless')).length).toBe(45)
    await Promise.all(others.map((other) => other.endAsync()))
  })

  it('T-HOSTILE-1 hostile metric names are only names', async () => {
    // A moment no other test of this file uses: stamps of the burst above reach ahead of now.
    const ts = Date.now() - 3_600_000
    const payload = `{"ts":${ts},"values":{"__proto__":1,"constructor":2,"'; DROP TABLE reading; --":3,"ünï 漢 😀":4}}`
    await device.publishAsync(topics.telemetry('kitchen'), payload, { qos: 1 })
    const names = (await stored()).filter(([, t]) => t === ts).map(([metric]) => metric)
    expect(names.sort()).toEqual(
      ["'; DROP TABLE reading; --", '__proto__', 'constructor', 'ünï 漢 😀'].sort(),
    )
  })

  it('T-WINDOW-1 clocks wrong by years are quarantined, not stored', async () => {
    const before = (await rejectedReasons()).length
    for (const ts of [0, 1, 4070908800000, '"+300000-01-01T00:00:00Z"', 9e15])
      await device.publishAsync(topics.telemetry('kitchen'), `{"ts":${ts},"values":{"w":1}}`, { qos: 1 })
    expect((await stored()).some(([metric]) => metric === 'w')).toBe(false)
    expect((await rejectedReasons()).length - before).toBe(5)
  })

  it('T-SEEN-1 subscribers get the stored message with its time; unreadable ones reach nobody', async () => {
    await registerDevice(database.pool, 'watcher-target')
    const heard: string[] = []
    device.on('message', (_topic, payload) => heard.push(payload.toString()))
    await device.subscribeAsync(topics.telemetry('kitchen'), { qos: 1 })
    const send = (payload: string) => device.publishAsync(topics.telemetry('kitchen'), payload, { qos: 1 })
    const before = Date.now()
    await send('{"x":1}')
    await send('{bad')
    await send('{"values":{"x":2}}')
    await send('[{"x":3},{"x":NaN}]')
    await send('[{"x":4},{"x":[]}]')
    await waitFor('three messages', () => heard.length === 3)
    const seen = heard.map((text) => JSON.parse(text))
    expect(seen.map(({ values }) => values)).toEqual([{ x: 1 }, { x: 2 }, { x: 4 }])
    for (const { ts } of seen) expect(ts).toBeGreaterThanOrEqual(before)
    expect((await stored()).filter(([metric]) => metric === 'x').map(([, t]) => t)).toEqual(
      seen.map(({ ts }) => ts),
    )
    await device.unsubscribeAsync(topics.telemetry('kitchen'))
  })
})
