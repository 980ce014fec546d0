import { describe, expect, it } from 'vitest'
import {
  formatAge,
  formatAgo,
  formatClock,
  formatClockShort,
  formatDay,
  formatDuration,
  formatExact,
  formatMoment,
  formatMonth,
  formatNumber,
  formatRange,
  formatRate,
  formatSpan,
  formatValue,
  isSameDay,
  prettyMetric,
} from './format.ts'

describe('formatNumber', () => {
  it.each([
    [21.456789, '21.46'],
    [-13.6, '−13.6'],
    [1304, '1,304'],
    [229.84, '229.84'],
    [0, '0'],
    [0.00012, '0.0001200'],
    [3.61, '3.61'],
  ])('%s reads %s', (value, text) => {
    expect(formatNumber(value)).toBe(text)
  })
})

describe('formatValue', () => {
  it('shows what the device said, and a dash for nothing', () => {
    expect([formatValue('open'), formatValue(false), formatValue(undefined)]).toEqual(['open', 'false', '–'])
  })
})

describe('formatAge', () => {
  it.each([
    [-50, '0.0 s'],
    [412, '0.4 s'],
    [9_990, '9.9 s'],
    [59_999, '59 s'],
    [372_000, '6 min'],
    [7_300_000, '2 h'],
    [200_000_000, '2 d'],
  ])('%s ms is %s', (ms, text) => {
    expect(formatAge(ms)).toBe(text)
  })
})

describe('formatDuration', () => {
  it.each([
    [4, '4 ms'],
    [10_100, '10 s'],
    [2_450, '2.4 s'],
    [372_000, '6 min 12 s'],
    [7_440_000, '2 h 4 min'],
    [86_400_000, '1 d'],
  ])('%s ms is %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text)
  })
})

it('formatSpan drops the decimal of a round second', () => {
  expect([formatSpan(5_000), formatSpan(60_000), formatSpan(500)]).toEqual(['5 s', '1 min', '500 ms'])
})

it('formatRate keeps a slow fleet from reading zero', () => {
  expect([formatRate(0.4), formatRate(486.3)]).toEqual(['0.4', '486'])
})

it('formatMoment names the day when it is not today', () => {
  const now = new Date(2026, 10, 22, 14, 2, 11).getTime()
  expect(formatMoment(now - 60_000, now)).toBe('14:01:11')
  expect(formatMoment(now - 86_400_000, now)).toBe('yesterday 14:02')
  expect(formatMoment(now - 10 * 86_400_000, now)).toBe('12 Nov 14:02')
})

describe('prettyMetric', () => {
  it.each([
    ['temperature', 'Temperature'],
    ['soil_moisture', 'Soil moisture'],
    ['batteryLevel', 'Battery level'],
    ['gps.lat', 'GPS lat'],
    ['soil.moisture', 'Soil moisture'],
    ['co2', 'CO₂'],
    ['ph', 'pH'],
    ['a:b', 'a:b'],
    ['CO2', 'CO2'],
  ])('%s reads %s', (metric, text) => {
    expect(prettyMetric(metric)).toBe(text)
  })
})

describe('formatAgo and formatExact', () => {
  const then = new Date(2026, 10, 2, 9, 5, 7).getTime()

  it.each([
    [-3_000, 'just now'],
    [59_999, 'just now'],
    [372_000, '6 min ago'],
    [200_000_000, '2 d ago'],
  ])('%i ms later it is %s', (later, words) => {
    expect(formatAgo(then, then + later)).toBe(words)
  })

  it('to the second, with the day', () => {
    expect(formatExact(then)).toBe('2 Nov 2026, 09:05:07')
  })
})

describe('times in a zone', () => {
  const amsterdam = 'Europe/Amsterdam'
  const then = Date.UTC(2026, 11, 31, 23, 5, 7)

  it.each([
    [formatClock, '00:05:07', '23:05:07'],
    [formatClockShort, '00:05', '23:05'],
    [formatDay, '1 Jan', '31 Dec'],
    [formatMonth, 'Jan 2027', 'Dec 2026'],
    [formatExact, '1 Jan 2027, 00:05:07', '31 Dec 2026, 23:05:07'],
  ])('L-ZONE-2: %o shows the zone asked for', (format, local, utc) => {
    expect([format(then, amsterdam), format(then, 'UTC')]).toEqual([local, utc])
  })

  it('L-ZONE-2: today, yesterday and the year are those of the zone', () => {
    const later = then + 3_600_000
    expect(formatMoment(then, later, amsterdam)).toBe('00:05:07')
    expect(formatMoment(then, later, 'UTC')).toBe('yesterday 23:05')
    expect(formatMoment(then, later + 9 * 86_400_000, amsterdam)).toBe('1 Jan 00:05')
    expect(formatMoment(then, later + 9 * 86_400_000, 'UTC')).toBe('31 Dec 2026 23:05')
    expect([isSameDay(then, later, amsterdam), isSameDay(then, later, 'UTC')]).toEqual([true, false])
  })

  it('L-ZONE-2: yesterday is the day before, also when a day has 25 hours', () => {
    const now = Date.UTC(2026, 9, 25, 22, 30)
    expect(formatMoment(now - 24.75 * 3_600_000, now, amsterdam)).toBe('yesterday 23:45')
    expect(formatMoment(now - 24.25 * 3_600_000, now, amsterdam)).toBe('00:15:00')
    expect(formatMoment(now - 48.75 * 3_600_000, now, amsterdam)).toBe('23 Oct 23:45')
  })

  it.each([
    [[2026, 10, 22, 13, 2], [2026, 10, 22, 14, 2], '13:02 to 14:02'],
    [[2026, 10, 22, 13, 2, 5], [2026, 10, 22, 13, 4], '13:02:05 to 13:04:00'],
    [[2026, 10, 18, 6, 0], [2026, 10, 21, 18, 0], '18 Nov 06:00 to 21 Nov 18:00'],
    [[2026, 10, 18, 6, 0], [2026, 10, 18, 18, 0], '18 Nov 06:00 to 18:00'],
    [[2025, 11, 31, 6, 0], [2026, 0, 1, 18, 0], '31 Dec 2025 06:00 to 1 Jan 18:00'],
  ])('L-ZONE-2: the range %j to %j reads %s', (from, to, words) => {
    const utc = ([year = 0, month = 0, ...rest]: number[]) => Date.UTC(year, month, ...rest)
    expect(formatRange(utc(from), utc(to), Date.UTC(2026, 10, 22, 15), 'UTC')).toBe(words)
  })
})
