import { describe, expect, it } from 'vitest'
import {
  countParts,
  formatBytes,
  formatDayAndMinute,
  formatMinute,
  formatRatio,
  formatShare,
  jobWords,
  serverWords,
} from './words.ts'

describe('formatBytes', () => {
  it.each([
    [0, '0 B'],
    [812, '812 B'],
    [8_192, '8.2 kB'],
    [999_600, '1.0 MB'],
    [47_185_920, '47.2 MB'],
    [319_400_000_000, '319 GB'],
    [80_600_000_000, '80.6 GB'],
    [2_500_000_000_000_000_000, '2,500 PB'],
    [-1, '0 B'],
  ])('%s reads %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text)
  })
})

describe('countParts', () => {
  it.each([
    [0, '0', undefined],
    [9_999_999, '9,999,999', undefined],
    [1_308_704_912, '1,308.7', 'million'],
    [45_000_400_000, '45,000', 'million'],
  ])('%s reads %s %s', (count, value, unit) => {
    expect(countParts(count)).toEqual([value, unit])
  })
})

describe('formatShare', () => {
  it.each([
    [0, 100, '0 %'],
    [1, 1_000, '<1 %'],
    [93, 100, '93 %'],
    [999, 1_000, '99 %'],
    [5, 5, '100 %'],
    [0, 0, '0 %'],
  ])('%s of %s is %s', (part, whole, text) => {
    expect(formatShare(part, whole)).toBe(text)
  })
})

describe('formatRatio', () => {
  it.each([
    [9.38, '9.4'],
    [10, '10'],
    [123.4, '123'],
  ])('%s reads %s', (ratio, text) => {
    expect(formatRatio(ratio)).toBe(text)
  })
})

describe('moments to the minute', () => {
  const at = (day: number, hour: number, min: number) => new Date(2026, 10, day, hour, min, 7).getTime()
  const now = at(22, 18, 50)

  it('say the day unless it is today', () => {
    expect(formatMinute(at(22, 14, 3), now)).toBe('14:03')
    expect(formatMinute(at(21, 14, 3), now)).toBe('yesterday 14:03')
    expect(formatMinute(at(3, 14, 3), now)).toBe('3 Nov 14:03')
  })

  it('say today as well where the day matters', () => {
    expect(formatDayAndMinute(at(22, 0, 0), now)).toBe('today 00:00')
    expect(formatDayAndMinute(at(21, 0, 0), now)).toBe('yesterday 00:00')
  })
})

describe('serverWords', () => {
  it('leaves out who built it', () => {
    expect(serverWords('15.20 (Debian 15.20-0+deb12u1)')).toBe('PostgreSQL 15.20')
    expect(serverWords('18.4')).toBe('PostgreSQL 18.4')
  })
})

describe('jobWords', () => {
  it.each([
    ['compression reading', 'Compress readings'],
    ['retention reading_text', 'Remove old text readings'],
    ['refresh_continuous_aggregate reading_1h', 'Refresh hour rollups'],
    ['compression something_else', 'Compress something_else'],
    ['reorder reading', 'reorder reading'],
  ])('%s reads %s', (name, words) => {
    expect(jobWords(name)).toBe(words)
  })
})
