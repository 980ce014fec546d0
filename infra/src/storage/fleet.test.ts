import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeEngines } from '../testing/database.ts'
import { random } from '../testing/random.ts'
import { TestStorage } from '../testing/storage.ts'
import { readAlarms } from './alarms.ts'
import { readBuckets } from './buckets.ts'
import { changeDevices } from './device-changes.ts'
import { firstNumberSeries, readFacets, readFleetIndex } from './fleet.ts'
import { repairLatest } from './latest.ts'
import type { Pool } from './pool.ts'
import { readDays } from './presence-days.ts'
import { resolveSeries } from './series.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000
const TAGS = ['almere', 'greenhouse', 'pumps', 'cold']
const STATES = { o: 'online', s: 'silent', x: 'offline', n: 'never', d: 'never' } as const
const NO_CHANGE = { addTags: [], removeTags: [], disabled: undefined, devicesMax: undefined, tagsMax: 4 }

describeEngines('a fleet', (testEngine) => {
  let storage: TestStorage
  let pool: Pool
  beforeAll(async () => {
    storage = await TestStorage.open(testEngine)
    pool = storage.database.pool
  })
  afterAll(() => storage.database.drop())

  it('D-FACETS-1 counts say what one more press would leave, whatever is chosen already', async () => {
    const seed = 20_261_123
    console.log(`seed ${seed}`)
    const chance = random(seed)
    const pick = <T>(of: readonly T[]): T => of[Math.floor(chance() * of.length)] as T
    for (let n = 0; n < 300; n++) {
      const tags = TAGS.filter(() => chance() < 0.4)
      await pool.query('INSERT INTO device (id, name, type, tags, disabled_at) VALUES ($1, $1, $2, $3, $4)', [
        ...[`f-${n}`, pick([null, 'pump', 'oven']), tags, chance() < 0.1 ? new Date() : null],
      ])
      const life = pick(['never', 'offline', 'online', 'silent'])
      if (life !== 'never') await connect(pool, `f-${n}`, life)
    }
    for (let round = 0; round < 25; round++) {
      const filter = {
        q: pick([undefined, 'f-1', 'F-2']),
        status: pick([undefined, 'online', 'silent', 'offline', 'never'] as const),
        tag: pick([undefined, 'almere', 'pumps', 'almere,cold']),
        type: pick([undefined, 'pump']),
      }
      const facets = await readFacets(pool, filter)
      const matching = async (more: Partial<typeof filter>) =>
        (await readFleetIndex(pool, { ...filter, ...more })).ids.length
      expect(facets.matching, JSON.stringify(filter)).toBe(await matching({}))
      for (const status of ['online', 'silent', 'offline', 'never'] as const)
        expect(facets.status[status]).toBe(await matching({ status }))
      for (const tag of TAGS) {
        const tags = new Set([...(filter.tag?.split(',') ?? []), tag])
        const count = facets.tags.find(({ name }) => name === tag)?.count ?? 0
        expect(count, `${tag} of ${JSON.stringify(filter)}`).toBe(
          await matching({ tag: [...tags].join(',') }),
        )
      }
      for (const type of ['pump', 'oven'])
        expect(facets.types.find(({ name }) => name === type)?.count ?? 0).toBe(await matching({ type }))
    }
  })

  it('D-INDEX-1 the index has every matching device once, in order of id, with its state', async () => {
    const { ids, states, truncated } = await readFleetIndex(pool, {})
    expect(truncated).toBe(false)
    expect(states).toHaveLength(ids.length)
    const { rows } = await pool.query<{ id: string }>('SELECT id FROM device ORDER BY id')
    expect(ids).toEqual(rows.map(({ id }) => id))
    for (const letter of ['o', 's', 'x', 'n'] as const) {
      const found = await readFleetIndex(pool, { status: STATES[letter] })
      const expected = ids.filter((_, n) => states[n] === letter)
      expect(found.ids.filter((_, n) => found.states[n] !== 'd')).toEqual(expected)
    }
  })

  it('D-BULK-1 a change reaches every device of the filter, says how many, and repeats harmlessly', async () => {
    const filter = { tag: 'almere' }
    const before = await readFleetIndex(pool, filter)
    const change = { ...NO_CHANGE, tagsMax: 5, addTags: ['new', 'cold'], removeTags: ['almere'] }
    const done = await changeDevices(pool, { ids: before.ids }, change)
    expect(done).toMatchObject({ outcome: 'changed', matching: before.ids.length, refused: 0 })
    expect((await readFleetIndex(pool, filter)).ids).toEqual([])
    expect((await readFleetIndex(pool, { tag: 'cold,new' })).ids).toEqual(before.ids)
    expect(await changeDevices(pool, { ids: before.ids }, change)).toMatchObject({ changed: 0 })
    const more = await changeDevices(pool, { tag: 'new' }, { ...change, devicesMax: before.ids.length - 1 })
    expect(more).toEqual({ outcome: 'more_now', matching: before.ids.length })
    expect(await changeDevices(pool, { q: 'nobody' }, change)).toMatchObject({ outcome: 'no_devices' })
  })

  it('D-BULK-2 a device that would have too many tags stays as it is; the others change', async () => {
    await pool.query(
      `INSERT INTO device (id, name, tags) VALUES ('full', 'f', '{a,b,c,d}'), ('room', 'f', '{a}')`,
    )
    const done = await changeDevices(pool, { ids: ['full', 'room'] }, { ...NO_CHANGE, addTags: ['e'] })
    expect(done).toMatchObject({ changed: 1, refused: 1 })
    const { rows } = await pool.query(`SELECT id, tags FROM device WHERE id IN ('full', 'room') ORDER BY id`)
    expect(rows.map(({ tags }) => tags)).toEqual([
      ['a', 'b', 'c', 'd'],
      ['a', 'e'],
    ])
    const first = await changeDevices(pool, { ids: ['room'] }, { ...NO_CHANGE, disabled: true })
    const again = await changeDevices(pool, { ids: ['room'] }, { ...NO_CHANGE, disabled: true })
    expect([first, again]).toMatchObject([{ switchedIds: ['room'] }, { switchedIds: [], changed: 0 }])
    const back = await changeDevices(pool, { ids: ['room'] }, { ...NO_CHANGE, disabled: false })
    expect(back).toMatchObject({ changed: 1, switchedIds: ['room'] })
  })

  it('P-DAY-1 a day is the share of each hour connected; what is not known is not counted', async () => {
    const to = Date.now()
    const from = to - 24 * HOUR_MS
    const add = (id: string, hours: number) =>
      pool.query(`INSERT INTO device (id, name, created_at) VALUES ($1, $1, $2)`, [id, at(hours)])
    const at = (hoursAgo: number) => new Date(to - hoursAgo * HOUR_MS)
    const session = (id: string, start: number, end: number | null) =>
      pool.query(
        `INSERT INTO session (device_id, broker_id, client_id, connected_at, disconnected_at)
         VALUES ($1, 'b', 'c', $2, $3)`,
        [id, at(start), end === null ? null : at(end)],
      )
    for (const id of ['day-all', 'day-half', 'day-none']) await add(id, 100)
    await add('day-new', 1.5)
    await session('day-all', 90, null)
    await session('day-half', 30, 20.5)
    await session('day-half', 20.75, 20.25)
    await session('day-half', 1, 0.5)
    await session('day-new', 1, null)
    const days = await readDays(pool, ['day-all', 'day-half', 'day-new', 'day-none', 'gone'], {
      ...{ from, to, parts: 24 },
    })
    expect(days.map(({ deviceId }) => deviceId)).toEqual(['day-all', 'day-half', 'day-new', 'day-none'])
    const hours = days.map(({ connectedMs }) =>
      connectedMs.map((ms) => Math.round((ms / HOUR_MS) * 100) / 100),
    )
    expect(hours[0]).toEqual(Array(24).fill(1))
    expect(hours[1]).toEqual([1, 1, 1, 0.75, ...Array(19).fill(0), 0.5])
    expect(hours[2]).toEqual([...Array(23).fill(0), 1])
    expect(hours[3]).toEqual(Array(24).fill(0))
    expect(days.map(({ knownFrom }) => knownFrom)).toEqual(
      [90, 30, 1, null].map((hours) => hours && at(hours).getTime()),
    )
  })

  it('D-SPARK-1 a sparkline is the first number a device sends, the same from rollups and readings', async () => {
    await pool.query(`INSERT INTO device (id, name) VALUES ('spark', 'spark'), ('words', 'words')`)
    const series = await resolveSeries(pool, [
      { deviceId: 'spark', metric: 'door', kind: 'string' },
      { deviceId: 'spark', metric: 'open', kind: 'boolean' },
      { deviceId: 'spark', metric: 'heat', kind: 'number' },
      { deviceId: 'spark', metric: 'cold', kind: 'number' },
      { deviceId: 'words', metric: 'door', kind: 'string' },
    ])
    const heat = series[2]?.id ?? -1
    expect(await firstNumberSeries(pool, ['spark', 'words'])).toEqual([
      { id: heat, deviceId: 'spark', metric: 'heat' },
    ])
    const to = Math.ceil(Date.now() / MINUTE_MS) * MINUTE_MS
    const times = Array.from({ length: 40 }, (_, n) => to - 59.5 * MINUTE_MS + n * MINUTE_MS)
    await storage.store(times.map((t, n) => [heat, t, n]))
    const range = { from: to - HOUR_MS, to, seriesIds: [heat], bucketMs: MINUTE_MS, limit: 60 }
    const raw = await readBuckets(pool, { ...range, source: 'raw' })
    await storage.rollUpAll()
    expect(raw).toHaveLength(40)
    expect(await readBuckets(pool, { ...range, source: '1m' })).toEqual(raw)
  })

  it('D-ALARM-1 alarms are connected devices beyond a threshold called an alarm, with since when', async () => {
    await pool.query(`INSERT INTO device_type (name, metrics, commands, updated_by) VALUES ('room',
      '{"heat": {"thresholds": [{"above": 10, "level": "alarm"}, {"above": 5, "level": "warning"}]}}', '{}', 'x')`)
    const now = Date.now()
    const values: Record<string, number[]> = {
      'room-hot': [1, 20, 3, 20, 21],
      'room-warm': [6, 6, 6, 6, 6],
      'room-away': [1, 1, 1, 20, 20],
      'room-off': [1, 1, 1, 20, 20],
    }
    for (const [id, numbers] of Object.entries(values)) {
      await pool.query(`INSERT INTO device (id, name, type) VALUES ($1, $1, 'room')`, [id])
      const [series] = await resolveSeries(pool, [{ deviceId: id, metric: 'heat', kind: 'number' }])
      await storage.store(numbers.map((value, n) => [series?.id ?? -1, now - (5 - n) * MINUTE_MS, value]))
      if (id !== 'room-away') await connect(pool, id, 'online')
    }
    await pool.query(`UPDATE device SET disabled_at = now() WHERE id = 'room-off'`)
    await repairLatest(pool)
    expect(await readAlarms(pool)).toEqual({
      count: 1,
      items: [
        {
          ...{ deviceId: 'room-hot', name: 'room-hot', type: 'room', metric: 'heat', value: 21 },
          ...{ time: now - MINUTE_MS, since: now - 2 * MINUTE_MS },
        },
      ],
    })
  })

  it('D-ALARM-2 since when does not depend on the order in which a type has its thresholds', async () => {
    await pool.query(`INSERT INTO device (id, name, type) VALUES ('kiln', 'kiln', 'kiln')`)
    const [series] = await resolveSeries(pool, [{ deviceId: 'kiln', metric: 'heat', kind: 'number' }])
    const now = Date.now()
    const id = series?.id ?? -1
    await storage.store([20, 32, 33, 45].map((value, n) => [id, now - (4 - n) * MINUTE_MS, value]))
    await connect(pool, 'kiln', 'online')
    await repairLatest(pool)
    for (const order of [
      [30, 40],
      [40, 30],
    ]) {
      const thresholds = order.map((above) => ({ above, level: 'alarm' }))
      await pool.query(
        `INSERT INTO device_type (name, metrics, commands, updated_by) VALUES ('kiln', $1, '{}', 'x')
         ON CONFLICT (name) DO UPDATE SET metrics = excluded.metrics`,
        [JSON.stringify({ heat: { thresholds } })],
      )
      const { items } = await readAlarms(pool)
      const kiln = items.filter(({ deviceId }) => deviceId === 'kiln')
      expect(kiln).toMatchObject([{ value: 45, since: now - 3 * MINUTE_MS }])
    }
  })
})

async function connect(pool: Pool, id: string, life: string): Promise<void> {
  await pool.query(
    `INSERT INTO session (device_id, broker_id, client_id, connected_at, disconnected_at)
     VALUES ($1, 'b', 'c', now() - interval '1 hour', CASE WHEN $2 = 'offline' THEN now() END)`,
    [id, life],
  )
  await pool.query(
    `INSERT INTO device_activity (device_id, seen_at, interval_ms)
     VALUES ($1, now() - $2::interval, $3)`,
    // Whoever is online stays so for as long as a test may take.
    [id, ...(life === 'silent' ? ['10 min', 1_000] : ['1 s', HOUR_MS])],
  )
}
