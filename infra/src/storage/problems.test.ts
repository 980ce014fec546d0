import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { limits } from '../limits.ts'
import { describeEngines, type TestDatabase } from '../testing/database.ts'
import { createDevice } from './devices.ts'
import { type GatheredProblem, listProblems, pruneProblems, recordProblems } from './problems.ts'

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE

/** `agoMs`: when it happened, before `nowMs`. */
function problem({
  agoMs = 0,
  nowMs = Date.now(),
  ...more
}: Partial<GatheredProblem> & { agoMs?: number; nowMs?: number } = {}): GatheredProblem {
  const at = new Date(nowMs - agoMs)
  const what = { code: 'wrong_secret', detail: 'wrong secret', limit: null, count: 1 }
  return {
    ...what,
    deviceId: 'kitchen',
    address: '10.0.0.7',
    clientId: 'c',
    firstAt: at,
    lastAt: at,
    ...more,
  }
}

describeEngines('connection problems', (testEngine) => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await testEngine.createDatabase()
    await createDevice(database.pool, { id: 'kitchen', name: 'Kitchen', type: null, tags: [] })
  })
  afterAll(() => database.drop())
  beforeEach(() => database.pool.query('DELETE FROM connection_problem'))

  const record = (...problems: GatheredProblem[]) => recordProblems(database.pool, problems)
  const list = (deviceId?: string) => listProblems(database.pool, { deviceId, limit: 10_000 })

  it('O-DIAG-1 the same problem within ten minutes counts up; later, or from elsewhere, it is another', async () => {
    const nowMs = Date.now()
    await record(problem({ nowMs, agoMs: 25 * MINUTE, count: 3 }))
    await record(problem({ nowMs, agoMs: 16 * MINUTE, count: 2, detail: 'newer' }))
    await record(problem({ agoMs: MINUTE, clientId: null }))
    await record(
      problem({ agoMs: 3, clientId: 'd', limit: { name: 'x', value: 3, allowed: 2 } }),
      problem({ agoMs: 2, address: null }),
      problem({ agoMs: 1, code: 'disabled' }),
    )
    const items = await list('kitchen')
    expect(items).toMatchObject([
      { code: 'disabled', count: 1, address: '10.0.0.7', registered: true },
      { code: 'wrong_secret', count: 1, address: null },
      { code: 'wrong_secret', count: 2, clientId: 'd', limit: { name: 'x', value: 3, allowed: 2 } },
      { code: 'wrong_secret', count: 5, detail: 'newer', limit: null },
    ])
    const oldest = items[3]
    expect(Date.parse(oldest?.lastAt ?? '') - Date.parse(oldest?.firstAt ?? '')).toBe(9 * MINUTE)
  })

  it('O-DIAG-2 problems of ids nobody registered, and of clients without any, are kept and told apart', async () => {
    await record(
      problem({ deviceId: null, code: 'not_mqtt', clientId: null, agoMs: 4 }),
      problem({ deviceId: 'stranger', agoMs: 3 }),
      problem({ deviceId: 'stranger', address: null, agoMs: 2 }),
      problem({ agoMs: 1 }),
    )
    expect(await list()).toMatchObject([
      { deviceId: 'kitchen', registered: true },
      { deviceId: 'stranger', registered: false, address: null },
      { deviceId: 'stranger', registered: false },
      { deviceId: null, registered: false, clientId: null },
    ])
    await record(problem({ deviceId: null, code: 'not_mqtt', clientId: null }))
    expect((await list())[0]).toMatchObject({ deviceId: null, count: 2 })
    expect(await list('stranger')).toHaveLength(2)
  })

  it('O-DIAG-3 the newest 50 of a device are kept, 5,000 of strangers together, and none longer than 30 days', async () => {
    const { perDeviceMax, strangersMax } = limits.problems
    const fill = (deviceId: string, n: number) =>
      database.pool.query(
        `INSERT INTO connection_problem (device_id, address, code, detail, count, first_at, last_at)
         SELECT replace($1, '#', n::text), n::text, 'wrong_secret', '', 1, now(), now() - n * interval '1 second'
         FROM generate_series(1, $2) n`,
        [deviceId, n],
      )
    await fill('kitchen', perDeviceMax + 10)
    await fill('pushy', perDeviceMax + 10)
    await fill('', 200)
    await fill('stranger-#', strangersMax)
    await pruneProblems(database.pool)
    const addresses = (await list('kitchen')).map(({ address }) => Number(address))
    expect(addresses).toEqual(Array.from({ length: perDeviceMax }, (_, i) => i + 1))
    expect(await list('pushy')).toHaveLength(perDeviceMax)
    const all = await list()
    expect(all.filter(({ deviceId }) => deviceId === null)).toHaveLength(200)
    const strangers = all.filter(({ registered }) => !registered)
    // What was cut from `pushy` still took a place while it was counted.
    expect(strangers.length).toBeGreaterThan(strangersMax - 20)
    expect(strangers.length).toBeLessThanOrEqual(strangersMax)

    await record(problem({ agoMs: 31 * DAY }), problem({ agoMs: 29 * DAY, code: 'disabled' }))
    expect((await list('kitchen')).at(-1)?.code).toBe('disabled')
    await database.pool.query(`DELETE FROM connection_problem WHERE last_at > now() - interval '1 day'`)
    await pruneProblems(database.pool)
    const { rows } = await database.pool.query('SELECT code FROM connection_problem')
    expect(rows).toEqual([{ code: 'disabled' }])
  })

  it('O-DIAG-4 pages of them neither repeat nor skip', async () => {
    const at = new Date(Date.now() - MINUTE)
    const codes = ['a', 'b', 'c', 'd', 'e']
    await record(...codes.map((code) => problem({ code, firstAt: at, lastAt: at })))
    const seen: string[] = []
    for (let before: { lastAt: string; id: number } | undefined; ; ) {
      const page = await listProblems(database.pool, { limit: 2, before })
      seen.push(...page.map(({ code }) => code))
      before = page.at(-1)
      if (page.length < 2) break
    }
    expect(seen).toEqual(['e', 'd', 'c', 'b', 'a'])
  })

  it('O-DIAG-5 a thousand at once are noted in one statement, next to what is there', async () => {
    const many = Array.from({ length: limits.problems.gatheredMax }, (_, i) =>
      problem({ deviceId: `stranger-${i % 10}`, address: `10.0.${i >> 8}.${i & 255}` }),
    )
    await record(...many)
    await record(...many)
    const items = await list()
    expect(items).toHaveLength(many.length)
    expect(new Set(items.map(({ count }) => count))).toEqual(new Set([2]))
  })
})
