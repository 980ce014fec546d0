import { describe, expect, it } from 'vitest'
import { knownSince, ledgerOf, linePath, newestOf, pointsOf } from './rates.ts'

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

  it('are broken where nothing is known', () => {
    expect(linePath(points, { from: 1_000, to: 2_000, high: 4 })).toBe('M0 750M1000 250')
    expect(linePath(points.slice(0, 1), { from: 1_001, to: 2_000, high: 4 })).toBe('')
  })
})

describe('the ledger', () => {
  const broker = (acknowledged: number | null, stored: number, rejected = 0) => ({
    ...{
      brokerId: 'b',
      startedAt: 1,
      nodeVersion: null,
      aedesVersion: null,
      rssBytes: null,
      connections: [],
    },
    ...{ acknowledged, stored, rejected },
  })

  it('agrees while no more is acknowledged than stored', () => {
    const ledger = { acknowledged: 12, stored: 15, rejected: 1, unanswered: 3, missing: 0 }
    expect(ledgerOf([broker(2, 5, 1), broker(10, 10)])).toEqual(ledger)
  })

  it('says what is missing, whatever other brokers have too much', () => {
    expect(ledgerOf([broker(7, 5), broker(1, 9)])?.missing).toBe(2)
  })

  it('says nothing where a broker does not count, or none is there', () => {
    expect(ledgerOf([broker(null, 5)])).toBeUndefined()
    expect(ledgerOf([])).toBeUndefined()
  })
})
