import { type SpoolState, type TotalsPayload, topics } from '@telltale/broker/contract'
import type { Logger } from '@telltale/infra/log'
import { createPool } from '@telltale/infra/storage/pool'
import { judgeDurability } from '@telltale/infra/storage/report'
import { afterAll, beforeAll, beforeEach, expect, it, onTestFinished, vi } from 'vitest'
import type { Readiness } from '../src/contract/index.ts'
import { FleetTotals } from '../src/live/totals.ts'
import { warnOfDurability } from '../src/system/readiness.ts'
import { bearer, call, startApi, type TestApi, until } from './harness.ts'
import { SseClient } from './sse-client.ts'

let api: TestApi
let viewer: { authorization: string }

beforeAll(async () => {
  api = await startApi()
  viewer = await bearer(api, 'viewer')
})
afterAll(() => api.stop())

const empty: SpoolState = {
  ...{ state: 'empty', messages: 0, words: 0, bytes: 0, bytesMax: 1_000, oldestAt: null },
  ...{ spooledTotal: 0, replayedTotal: 0, damagedBytes: 0 },
}
const taking: SpoolState = { ...empty, state: 'taking', messages: 12_345, bytes: 700, spooledTotal: 12_400 }
const counts = { startedAt: 5, connections: 2, messagesTotal: 9, readingsTotal: 20, rejectedTotal: 1 }

async function tell(brokerId: string, spool: SpoolState | undefined, databaseUp = true): Promise<void> {
  const totals = { brokerId, ...counts, databaseUp, pendingRows: 0, ...(spool && { spool }) }
  await api.broker.say(topics.platform('totals', brokerId), totals)
  await until(() => api.deps.totals.brokers().some((known) => isSame(known, totals)))
}

function isSame(known: object, told: object): boolean {
  return JSON.stringify({ ...known, messagesPerSecond: undefined }) === JSON.stringify(told)
}

beforeEach(() => tell('broker-1', empty))

async function ready(query = ''): Promise<{ status: number; body: Readiness }> {
  const answer = await fetch(`${api.origin}/readyz${query}`)
  return { status: answer.status, body: (await answer.json()) as Readiness }
}

async function spoolCheck() {
  const { status, body } = await ready()
  return { status, ...body.checks.find(({ name }) => name === 'spool') }
}

const today = (time: string) => Date.parse(`${new Date().toISOString().slice(0, 10)}T${time}Z`)

it('R-SEEN-1 readiness says what waits on the brokers’ disks, since when, and what will become of it', async () => {
  expect(await spoolCheck()).toEqual({ status: 200, name: 'spool', ok: true })
  // The day must not end between this and the wording.
  vi.useFakeTimers({ toFake: ['Date'] })
  onTestFinished(() => void vi.useRealTimers())
  const oldestAt = today('00:00:00')
  await tell('broker-1', { ...taking, oldestAt }, false)
  const waits = "12,345 messages wait on the brokers' disks, the oldest since 00:00:00 UTC"
  expect(await spoolCheck()).toEqual({
    ...{ status: 200, name: 'spool', ok: true },
    detail: `${waits}; they are stored as soon as the database takes them`,
  })
  await tell('broker-1', { ...taking, state: 'replaying', oldestAt })
  expect((await spoolCheck()).detail).toBe(`${waits}; they are being stored now`)
  await tell('broker-1', { ...taking, messages: 1, oldestAt: oldestAt - 86_400_000 }, false)
  expect((await spoolCheck()).detail).toMatch(
    /^1 message waits on a broker's disk, since \d{4}-\d\d-\d\d 00:00:00 UTC;/,
  )
})

it('R-SEEN-1 a full spool is not ready and names the broker; damage is named and no more than that', async () => {
  const held: [SpoolState['refusal'], RegExp][] = [
    [
      'full',
      /^all .* at broker-1 \(TELLTALE_SPOOL_BYTES\) is used up: .* held up until the database answers\. 12,345 mess/,
    ],
    [
      'disk_full',
      /^the disk at broker-1 has too little room left: .* held up until there is room, or the database/,
    ],
    [
      'failed',
      /^the disk at broker-1 fails, the log says how: .* held up until it works, or the database answers/,
    ],
  ]
  for (const [refusal, words] of held) {
    await tell('broker-1', { ...taking, state: 'full', ...(refusal && { refusal }) }, false)
    const full = await spoolCheck()
    expect(full).toMatchObject({ status: 503, ok: false })
    expect(full.detail).toMatch(words)
  }
  await tell('broker-1', { ...empty, damagedBytes: 4_096 })
  const damaged = await spoolCheck()
  expect(damaged).toMatchObject({ status: 200, ok: true })
  expect(damaged.detail).toMatch(
    /^4,096 bytes of what waited at broker-1 could not be read and were set aside in the folder spool or spool-words/,
  )
})

it('R-SEEN-2 with several brokers the worst state counts and what waits is added up; an older one says nothing', async () => {
  await tell('broker-1', { ...taking, words: 1, oldestAt: 2_000 }, false)
  await tell('broker-2', { ...taking, state: 'replaying', messages: 5, words: 2, bytes: 1, oldestAt: 1_000 })
  await tell('broker-old', undefined)
  const { body } = await ready('?verbose')
  expect(body.spool).toEqual({
    ...{ state: 'taking', messages: 12_350, words: 3, bytes: 701, bytesMax: 2_000, oldestAt: 1_000 },
    ...{ spooledTotal: 24_800, replayedTotal: 0, damagedBytes: 0 },
  })
  const each = new Map(body.brokers?.map(({ brokerId, spool }) => [brokerId, spool]))
  expect(each.get('broker-1')).toEqual({ ...taking, words: 1, oldestAt: 2_000 })
  expect(each.get('broker-old')).toBeNull()
  const { brokers } = (await call(api, 'GET /system', { headers: viewer })).body
  const system = new Map(
    brokers.map((one: { brokerId: string; spool: unknown }) => [one.brokerId, one.spool]),
  )
  expect(system).toEqual(each)
})

it('R-SEEN-3 fleet streams are told every second', async () => {
  const client = await SseClient.open(api.url('/events?devices=*'), viewer)
  await tell('broker-1', { ...taking, oldestAt: 2_000 }, false)
  await until(() => client.of('totals').some(({ data }) => !data.databaseUp && data.spool.state === 'taking'))
  client.close()
})

it('R-SEEN-3 what goes to disk counts as taken in when it does, not when it is stored from there', () => {
  let nowMs = 0
  const totals = new FleetTotals(() => nowMs)
  const rate = (messagesTotal: number, spooledTotal: number, replayedTotal: number) => {
    nowMs += 1_000
    const spool = { ...empty, spooledTotal, replayedTotal }
    totals.update({ brokerId: 'b', startedAt: 1, messagesTotal, spool } as TotalsPayload)
    return totals.brokers()[0]?.messagesPerSecond
  }
  expect([rate(100, 0, 0), rate(110, 0, 0), rate(110, 30, 0), rate(155, 35, 35)]).toEqual([0, 10, 30, 15])
})

it('R-SEEN-4 metrics of the spool have the broker as their only label', async () => {
  const oldestAt = Date.now() - 60_000
  await tell('broker-1', { ...taking, oldestAt, replayedTotal: 55, damagedBytes: 7 }, false)
  await tell('broker-old', undefined)
  const metrics = await (await fetch(`${api.origin}/metrics`)).text()
  const value = (name: string, broker = 'broker-1') =>
    new RegExp(`^${name}\\{broker="${broker}"\\} (\\S+)$`, 'm').exec(metrics)?.[1]
  const names = ['state', 'messages', 'bytes', 'bytes_max', 'damaged_bytes', 'replayed_total']
  expect(names.map((name) => value(`telltale_spool_${name}`))).toEqual([
    '2',
    '12345',
    '700',
    '1000',
    '7',
    '55',
  ])
  expect(value('telltale_spooled_total')).toBe('12400')
  expect(Number(value('telltale_spool_oldest_age_seconds'))).toBeGreaterThanOrEqual(60)
  expect(value('telltale_broker_database_up')).toBe('0')
  expect(value('telltale_broker_database_up', 'broker-old')).toBe('1')
  expect(value('telltale_spool_messages', 'broker-old')).toBeUndefined()
})

it('R-SEEN-5 verbose readiness judges how durable the database is', async () => {
  const { body } = await ready('?verbose')
  expect(body.checks).toContainEqual({ name: 'durability', ok: true })
  const means = body.storage?.durabilityJudged.map(({ name, value, holds }) => [name, value, holds])
  expect(means).toEqual([
    ['fsync', 'on', true],
    ['full_page_writes', 'on', true],
    ['synchronous_commit', 'on', true],
  ])
})

it('R-SEEN-5 an unsafe setting is a failing check with its sentence; what Telltale makes good is a warning', () => {
  const judged = (settings: Record<string, string>) =>
    judgeDurability(settings).map(({ name, value, holds, isUnusual }) => [name, value, holds, isUnusual])
  expect(judged({ fsync: 'off', full_page_writes: 'off', synchronous_commit: 'off', new_one: 'x' })).toEqual([
    ['fsync', 'off', false, false],
    ['full_page_writes', 'off', false, false],
    ['synchronous_commit', 'off', true, true],
    ['new_one', 'x', false, false],
  ])
  for (const value of ['on', 'local', 'remote_write', 'remote_apply'])
    expect(judged({ synchronous_commit: value })).toEqual([['synchronous_commit', value, true, false]])
})

it('R-SEEN-5 the API warns of it once, with the sentence', async () => {
  const warned: string[] = []
  const { href, pathname } = new URL(api.database.url)
  await api.database.pool.query(`ALTER DATABASE ${pathname.slice(1)} SET synchronous_commit = off`)
  const pool = createPool({ url: href, name: 'test', max: 1 })
  const log = { warn: (_: unknown, words: string) => warned.push(words) } as unknown as Logger
  await warnOfDurability({ pool, log })
  await pool.end()
  expect(warned).toEqual([
    expect.stringMatching(/^synchronous_commit is off: .* its commits of readings wait all the same\.$/),
  ])
})
