import { describe, expect, it } from 'vitest'
import { csvAddress } from './csv-address.ts'

const minute = 60_000
const none = new Map()

describe('csvAddress', () => {
  it('L-CSV-1: of one device it names its metrics, with commas and spaces escaped', () => {
    const series = ['temperature', 'a,b', 'gps.lat'].map((metric) => ({ deviceId: 'bay-01', metric }))
    const address = new URL(
      csvAddress(series, { kind: 'fixed', from: 1_000.4, to: 61_000.6 }, none),
      'http://here',
    )
    expect(address.pathname).toBe('/api/v1/devices/bay-01/readings')
    expect(Object.fromEntries(address.searchParams)).toEqual({
      from: '1000',
      to: '61001',
      format: 'csv',
      metrics: 'temperature,a\\,b,gps.lat',
    })
  })

  it('L-CSV-1: several devices are one file, and a live window stays relative', () => {
    const series = ['a', 'b', 'a'].map((deviceId) => ({ deviceId, metric: 'v' }))
    expect(csvAddress(series, { kind: 'live', windowMs: 15 * minute }, none)).toBe(
      '/api/v1/readings?devices=a,b&from=now-15m&to=now&format=csv&metrics=v',
    )
  })

  it('L-CSV-1: more names than an address should hold are left out', () => {
    const series = Array.from({ length: 256 }, (_, i) => ({
      deviceId: 'a',
      metric: `${i}`.padStart(100, 'm'),
    }))
    expect(csvAddress(series, { kind: 'live', windowMs: minute }, none)).toBe(
      '/api/v1/devices/a/readings?from=now-1m&to=now&format=csv',
    )
  })

  it('L-CSV-1: a name that was never sent is left out, and one that ends with a space is not asked for', () => {
    const live = { kind: 'live', windowMs: minute } as const
    const level = { kind: 'number' as const, points: [], liveTimes: [] }
    const pictures = new Map([['a', { series: { level, 'level ': level } }]])
    const asked = (...metrics: string[]) => {
      const series = metrics.map((metric) => ({ deviceId: 'a', metric }))
      return new URL(csvAddress(series, live, pictures), 'http://here').searchParams.get('metrics')
    }
    expect([asked('level', 'never'), asked('never'), asked('level', 'level ')]).toEqual([
      'level',
      'never',
      null,
    ])
  })
})
