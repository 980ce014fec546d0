import { topics } from '@telltale/broker/contract'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { BrokerTotals, FleetTotals } from '../src/live/totals.ts'
import { RateHistory } from '../src/system/rate-history.ts'
import { kindOfReason } from '../src/system/rejections.ts'
import { addDevice, bearer, call, startApi, type TestApi, until } from './harness.ts'

let api: TestApi
let viewer: { authorization: string }

beforeAll(async () => {
  api = await startApi()
  viewer = await bearer(api, 'viewer')
})
afterAll(() => api.stop())

const get = async (path: string) => (await call(api, `GET ${path}`, { headers: viewer })).body

it('O-COUNTS-1 a viewer sees what the programs say of themselves; an older broker says less', async () => {
  const counts = { connections: 2, messagesTotal: 9, readingsTotal: 20, rejectedTotal: 1, busyShare: 0 }
  const say = (brokerId: string, more: object) =>
    api.broker.say(topics.platform('totals', brokerId), { brokerId, startedAt: 5, ...counts, ...more })
  const connectionsBy = [{ listener: 'ws', who: 'device', count: 2 }]
  await say('new', {
    acknowledgedTotal: 7,
    connectionsBy,
    rssBytes: 1_000,
    nodeVersion: 'v20',
    aedesVersion: '1.2.0',
  })
  await say('old', {})
  await until(async () => (await get('/system')).brokers.length === 2)
  const { api: self, brokers } = await get('/system')
  expect(brokers).toEqual([
    {
      ...{ brokerId: 'new', startedAt: 5, nodeVersion: 'v20', aedesVersion: '1.2.0', rssBytes: 1_000 },
      ...{ connections: connectionsBy, acknowledged: 7, stored: 9, rejected: 1, spool: null },
    },
    {
      ...{ brokerId: 'old', startedAt: 5, nodeVersion: null, aedesVersion: null, rssBytes: null },
      ...{ connections: [], acknowledged: null, stored: 9, rejected: 1, spool: null },
    },
  ])
  expect(self).toMatchObject({ nodeVersion: process.version, liveConnections: 0 })
  for (const path of ['/system', '/system/rejected'])
    expect((await call(api, `GET ${path}`)).status).toBe(401)
})

describe('O-COUNTS-2 half an hour of rates', () => {
  const broker = (messagesTotal: number, more: Partial<BrokerTotals> = {}): Partial<BrokerTotals> => ({
    ...{ brokerId: 'b', startedAt: 1, messagesTotal, readingsTotal: 2 * messagesTotal },
    ...{ commitP50Ms: null, commitP99Ms: null },
    ...more,
  })

  function look(seconds: (Partial<BrokerTotals> | undefined)[]) {
    let nowMs = 0
    let current: Partial<BrokerTotals> | undefined
    const totals = { brokers: () => (current ? [current] : []) } as unknown as FleetTotals
    const history = new RateHistory(totals, () => nowMs)
    for (const one of seconds) {
      nowMs += 1_000
      current = one
      history.look()
    }
    return history.read()
  }

  const second = (n: number, more?: Partial<BrokerTotals>) => broker(n, more)
  const five = (from: number, more?: Partial<BrokerTotals>) =>
    [1, 2, 3, 4, 5].map((i) => second(from + i, more))

  it('O-COUNTS-2 says how much came in a second, and the worst latency of every point', () => {
    const slow = second(8, { commitP50Ms: 4, commitP99Ms: 90 })
    const { messagesPerSecond, readingsPerSecond, commitP99Ms, from, everyMs } = look([
      ...five(0),
      ...[second(6), second(7), slow, second(9, { commitP99Ms: 3 }), second(10)],
    ])
    expect({ messagesPerSecond, readingsPerSecond, commitP99Ms, from, everyMs }).toEqual({
      ...{ messagesPerSecond: [null, 1], readingsPerSecond: [null, 2], commitP99Ms: [null, 90] },
      ...{ from: 5_000, everyMs: 5_000 },
    })
  })

  it('O-COUNTS-2 a broker that starts again counts from zero, and one that is gone leaves a gap', () => {
    const again = five(10, { startedAt: 2 })
    const gone = Array.from({ length: 5 }, () => undefined)
    const { messagesPerSecond } = look([...five(1_000), ...again, ...gone, ...five(20, { startedAt: 2 })])
    expect(messagesPerSecond).toEqual([null, 3, null, null])
  })

  it('O-COUNTS-2 keeps no more than that', () => {
    const day = Array.from({ length: 4_000 }, (_, i) => second(i))
    expect(look(day).messagesPerSecond).toHaveLength(360)
  })
})

it('O-COUNTS-3 why messages were rejected in the last day, by kind, of all devices together', async () => {
  await addDevice(api, 'kitchen', 'Kitchen')
  await addDevice(api, 'cellar', 'Cellar')
  const reject = (deviceId: string, reason: string, ago: string) =>
    api.database.pool.query(
      `INSERT INTO rejected_message (device_id, received_at, topic, reason, payload, payload_bytes)
       VALUES ($1, now() - $3::interval, 't', $2, '', 0)`,
      [deviceId, reason, ago],
    )
  await reject('kitchen', 'not JSON: Unexpected token x', '1 minute')
  await reject('cellar', 'not JSON: Unexpected token y', '2 minutes')
  await reject('cellar', 'element 3: not JSON: Unexpected end', '3 minutes')
  await reject('cellar', 'temperature: not a finite number', '23 hours')
  await reject('cellar', 'empty payload', '25 hours')
  const { total, isCapped, kinds } = await get('/system/rejected')
  expect({ total, isCapped }).toEqual({ total: 4, isCapped: false })
  expect(kinds).toMatchObject([
    { kind: 'Not JSON', count: 3, devices: 2, mostlyFrom: { id: 'cellar', name: 'Cellar' } },
    { kind: 'Not a number (NaN)', count: 1, devices: 1, example: 'temperature: not a finite number' },
  ])
  expect(Math.abs(Date.now() - 60_000 - kinds[0].newestAt)).toBeLessThan(30_000)
})

it('O-COUNTS-3 knows what the broker may say', () => {
  const said = [
    'ts 2026-12-03T13:35:55.955Z is in the future',
    'ts 2020-12-03T13:35:55.955Z is older than readings may be',
    'not UTF-8',
    'more than 256 metrics',
    'level: text longer than 1024 bytes',
    'level: an object is not a value',
    'status is neither online nor offline',
    'not a reply: {"status": …} expected',
    'the database refused it: numeric field overflow',
  ]
  expect(said.map(kindOfReason)).not.toContain('Something else')
  expect(kindOfReason('of a newer broker')).toBe('Something else')
})
