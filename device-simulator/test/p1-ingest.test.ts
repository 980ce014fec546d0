import { expect, test } from 'vitest'
import { median, type Run, violations } from '../bench/p1-ingest.ts'

test('median of odd, even and no values', () => {
  expect(median([3, 1, 2])).toBe(2)
  expect(median([4, 1, undefined, 3, 2])).toBe(2.5)
  expect(median([undefined])).toBeUndefined()
})

function runs(change: Partial<Run>): Run[] {
  const run: Run = {
    target: 'telltale',
    connections: 50,
    window: 50,
    metricsPerMessage: 5,
    measuredMs: 6_000,
    messagesPerSecond: 50_000,
    latencyP50Ms: 30,
    latencyP99Ms: 60,
    ackedTotal: 400_000,
    outOfOrder: 0,
    lastTsMs: 0,
    cpuSeconds: 1,
    cores: { broker: 1, postgres: 1, generator: 0.2, others: 0 },
    storedReadings: 2_000_000,
    ...change,
  }
  return [run]
}

test('a run counts only when everything acknowledged is stored, in order', () => {
  expect(violations(runs({}))).toEqual([])
  expect(violations(runs({ storedReadings: 1_999_995 }))).toEqual([
    '50 × 50: 2000000 readings acknowledged, 1999995 stored',
  ])
  expect(violations(runs({ outOfOrder: 3 }))).toEqual(['50 × 50: 3 PUBACKs out of order'])
})
