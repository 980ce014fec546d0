import { describe, expect, it } from 'vitest'
import { commitNow, knownSince, ledgerOf, linePath, newestOf, pointsOf } from './rates.ts'

const none = { readingsPerSecond: [], commitP50Ms: [], commitP99Ms: [] }
const points = pointsOf(
  { ...none, from: 1_000, everyMs: 500, messagesPerSecond: [1, null, 3] },
  'messagesPerSecond',
)

describe('histories', () => {
  it('have a time for every value', () => {
    expect(points).toEqual([
      { t: 1_000, value: 1 },
      { t: 1_500, value: null },
      { t: 2_000, value: 3 },
    ])
    expect(newestOf(points)).toBe(3)
    expect(newestOf([{ t: 1, value: null }])).toBeNull()
    expect(knownSince(points, 1_200)).toEqual([{ t: 2_000, value: 3 }])
  })

  it('R-SEEN-10 what a commit takes is not known while messages wait on disk and none is counted', () => {
    const spool = { messages: 3, bytes: 1, bytesMax: 2, oldestAt: 1, state: 'taking' as const }
    const broker = { spool: { ...spool, spooledTotal: 3, replayedTotal: 0, damagedBytes: 0 } }
    const quiet = [...points, { t: 2_500, value: null }]
    expect(commitNow(quiet, [broker])).toBeNull()
    expect(commitNow(points, [broker])).toBe(3)
    expect(commitNow(quiet, [{ spool: null }])).toBe(3)
  })

  it('are broken where nothing is known', () => {
    expect(linePath(points, { from: 1_000, to: 2_000, high: 4 })).toBe('M0 750M1000 250')
    expect(linePath(points.slice(0, 1), { from: 1_001, to: 2_000, high: 4 })).toBe('')
  })
})

describe('the ledger', () => {
  const onDisk = (messages: number, words: number) => ({
    ...{ state: 'taking' as const, messages, words, bytes: 1, bytesMax: 2, oldestAt: 1 },
    ...{ spooledTotal: messages, replayedTotal: 0, damagedBytes: 0 },
  })
  const broker = (
    acknowledged: number | null,
    stored: number,
    rejected = 0,
    waiting?: number,
    words = 0,
  ) => ({
    ...{
      brokerId: 'b',
      startedAt: 1,
      nodeVersion: null,
      aedesVersion: null,
      rssBytes: null,
      connections: [],
    },
    ...{ acknowledged, stored, rejected, spool: waiting === undefined ? null : onDisk(waiting, words) },
  })

  it('agrees while no more is acknowledged than stored', () => {
    const ledger = { acknowledged: 12, stored: 15, rejected: 1, waiting: 0, unanswered: 3, missing: 0 }
    expect(ledgerOf([broker(2, 5, 1), broker(10, 10)])).toEqual(ledger)
  })

  it('says what is missing, whatever other brokers have too much', () => {
    expect(ledgerOf([broker(7, 5), broker(1, 9)])?.missing).toBe(2)
  })

  it('R-SEEN-9 what waits on disk is not missing, and is named apart from what is stored', () => {
    expect(ledgerOf([broker(12, 5, 0, 7)])).toMatchObject({ waiting: 7, unanswered: 0, missing: 0 })
    expect(ledgerOf([broker(12, 5, 0, 6), broker(1, 1, 0, 9)])).toMatchObject({ waiting: 15, missing: 1 })
  })

  it('R-SEEN-9 replies and status words that wait hide no message that is missing', () => {
    expect(ledgerOf([broker(12, 5, 0, 8, 2)])).toMatchObject({ waiting: 6, missing: 1 })
  })

  it('R-SEEN-9 what a former life left on disk is stored in this one, and never counts as less than nothing', () => {
    expect(ledgerOf([broker(2, 900, 0, 100)])).toMatchObject({ unanswered: 998, missing: 0 })
  })

  it('says nothing where a broker does not count, or none is there', () => {
    expect(ledgerOf([broker(null, 5)])).toBeUndefined()
    expect(ledgerOf([])).toBeUndefined()
  })
})
