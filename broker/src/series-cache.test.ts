import { limits } from '@telltale/infra/limits'
import { expect, it } from 'vitest'
import { type Message, missingSeries, toRows } from './batch.ts'
import { SeriesCache } from './series-cache.ts'

const series = { id: 1, kind: 'number' as const, mixed: false }

function message(deviceId: string): Message {
  return {
    deviceId,
    readings: [{ timeMs: 1, metrics: ['m'], values: [1] }],
    rejected: undefined,
    rowCount: 1,
    payloadBytes: 1,
    receivedAtMs: 1,
    stored: () => {},
  }
}

it('T-CACHE-1 of more devices than it holds it forgets the one not heard for longest', () => {
  const cache = new SeriesCache()
  for (let i = 0; i < limits.series.cachedDevicesMax; i++) cache.add(`d${i}`, 'm', series)
  expect(missingSeries([message('d0')], cache, new Set())).toEqual([])
  cache.add('new', 'm', series)
  expect(cache.of('d0').size).toBe(1)
  expect(cache.of('d1').size).toBe(0)
})

it('T-CACHE-2 a reading whose series was forgotten in between is never taken for one too many', () => {
  const cache = new SeriesCache()
  expect(() => toRows([message('d0')], cache, new Set())).toThrow(/not known any more/)
  const refused = new Set(['d0/number/m'])
  expect(toRows([message('d0')], cache, refused).rejected).toMatchObject([{ deviceId: 'd0' }])
})
