import { describe, expect, it } from 'vitest'
import { cityOf, fromWall, instantsOf, offsetWords, toWall } from './wall-time.ts'

const amsterdam = 'Europe/Amsterdam'
const iso = (time: number) => new Date(time).toISOString()

describe('wall time', () => {
  it.each([
    ['UTC', '2026-11-22T13:02:11.250Z', '2026-11-22T13:02:11.250Z'],
    [amsterdam, '2026-11-22T13:02:11.250Z', '2026-11-22T14:02:11.250Z'],
    [amsterdam, '2026-07-01T22:30:00.000Z', '2026-07-02T00:30:00.000Z'],
    ['Asia/Kolkata', '2026-07-01T22:30:00.000Z', '2026-07-02T04:00:00.000Z'],
    ['America/St_Johns', '2026-01-01T00:00:00.000Z', '2025-12-31T20:30:00.000Z'],
    [amsterdam, '1969-12-31T23:59:59.999Z', '1970-01-01T00:59:59.999Z'],
  ])('L-ZONE-1: in %s it is %s when clocks show %s', (zone, instant, wall) => {
    expect(iso(toWall(Date.parse(instant), zone))).toBe(wall)
    expect(iso(fromWall(Date.parse(wall), zone))).toBe(instant)
  })

  it('L-ZONE-1: the hour that comes twice has two instants, and the first one counts', () => {
    const wall = Date.UTC(2026, 9, 25, 2, 30)
    expect(instantsOf(wall, amsterdam).map(iso)).toEqual([
      '2026-10-25T00:30:00.000Z',
      '2026-10-25T01:30:00.000Z',
    ])
    expect(iso(fromWall(wall, amsterdam))).toBe('2026-10-25T00:30:00.000Z')
  })

  it('L-ZONE-1: what clocks leap over is the time they leap at', () => {
    expect(instantsOf(Date.UTC(2026, 2, 29, 2, 30), amsterdam)).toEqual([])
    expect(iso(fromWall(Date.UTC(2026, 2, 29, 2, 30), amsterdam))).toBe('2026-03-29T01:00:00.000Z')
    // There, a day began at one o'clock.
    expect(iso(fromWall(Date.UTC(2018, 10, 4), 'America/Sao_Paulo'))).toBe('2018-11-04T03:00:00.000Z')
  })

  it('L-ZONE-1: an offset is said as people write it', () => {
    const summer = Date.UTC(2026, 6, 1)
    const zones = ['UTC', amsterdam, 'Asia/Kolkata', 'America/St_Johns']
    expect(zones.map((zone) => offsetWords(summer, zone))).toEqual(['UTC', 'UTC+2', 'UTC+5:30', 'UTC−2:30'])
    expect(offsetWords(Date.UTC(2026, 10, 22), amsterdam)).toBe('UTC+1')
    expect(['Europe/Amsterdam', 'America/Argentina/Buenos_Aires', 'UTC'].map(cityOf)).toEqual([
      'Amsterdam',
      'Buenos Aires',
      'UTC',
    ])
  })
})
