import { describe, expect, it } from 'vitest'
import { csvAddress } from './csv-address.ts'

const minute = 60_000

describe('csvAddress', () => {
  it('L-CSV-1: of one device it names its metrics, with commas and spaces escaped', () => {
    const series = ['temperature', 'a,b', 'gps.lat'].map((metric) => ({ deviceId: 'bay-01', metric }))
    const address = new URL(csvAddress(series, { kind: 'fixed', from: 1_000.4, to: 61_000.6 }), 'http://here')
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
    expect(csvAddress(series, { kind: 'live', windowMs: 15 * minute })).toBe(
      '/api/v1/readings?devices=a,b&from=now-15m&to=now&format=csv&metrics=v',
    )
  })

  it('L-CSV-1: more names than an address should hold are left out', () => {
    const series = Array.from({ length: 256 }, (_, i) => ({
      deviceId: 'a',
      metric: `${i}`.padStart(100, 'm'),
    }))
    expect(csvAddress(series, { kind: 'live', windowMs: minute })).toBe(
      '/api/v1/devices/a/readings?from=now-1m&to=now&format=csv',
    )
  })
})
