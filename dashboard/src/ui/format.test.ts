import { describe, expect, it } from 'vitest'
import {
  formatAge,
  formatAgo,
  formatDuration,
  formatExact,
  formatMoment,
  formatNumber,
  formatRate,
  formatSpan,
  formatValue,
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
