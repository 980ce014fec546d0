import { describe, expect, it } from 'vitest'
import { readTime, readTypedRange, writeTime } from './typed-time.ts'

const amsterdam = { now: Date.UTC(2026, 10, 22, 13, 2, 11), timeZone: 'Europe/Amsterdam' }
const utc = { ...amsterdam, timeZone: 'UTC' }
const hour = 3_600_000

function iso(text: string, context = amsterdam): string {
  const read = readTime(text, context)
  return read.ok ? new Date(read.time).toISOString() : read.words
}

describe('typed times', () => {
  it.each([
    ['18 Nov 06:00', '2026-11-18T05:00:00.000Z'],
    ['18 november, 6:00:30', '2026-11-18T05:00:30.000Z'],
    ['Nov 18 06:00', '2026-11-18T05:00:00.000Z'],
    ['18 Jul 06:00', '2026-07-18T04:00:00.000Z'],
    ['18 Nov', '2026-11-17T23:00:00.000Z'],
    ['18 Nov 2024 06:00', '2024-11-18T05:00:00.000Z'],
    ['24 Dec 20:00', '2025-12-24T19:00:00.000Z'],
    ['2026-11-18 06:00', '2026-11-18T05:00:00.000Z'],
    ['2026-11-18', '2026-11-17T23:00:00.000Z'],
    ['2026-11-18T06:00:00.250', '2026-11-18T05:00:00.250Z'],
    ['2026-11-18T06:00:00Z', '2026-11-18T06:00:00.000Z'],
    ['2026-11-18 06:00 UTC', '2026-11-18T06:00:00.000Z'],
    ['2026-11-18 06:00+05:30', '2026-11-18T00:30:00.000Z'],
    ['1764000000000', '2025-11-24T16:00:00.000Z'],
    ['1764000000', '2025-11-24T16:00:00.000Z'],
    ['06:00', '2026-11-22T05:00:00.000Z'],
    ['yesterday 06:00', '2026-11-21T05:00:00.000Z'],
    ['now', '2026-11-22T13:02:11.000Z'],
    ['now-3h', '2026-11-22T10:02:11.000Z'],
    ['Now − 90 min', '2026-11-22T11:32:11.000Z'],
    ['29 Mar 02:30', '2026-03-29T01:00:00.000Z'],
    ['25 Oct 02:30', '2026-10-25T00:30:00.000Z'],
  ])('L-TYPED-1: %s is %s', (text, time) => {
    expect(iso(text)).toBe(time)
  })

  it('L-TYPED-1: a time is one of the zone that is shown', () => {
    expect(iso('18 Nov 06:00', utc)).toBe('2026-11-18T06:00:00.000Z')
    expect(iso('00:30', { ...utc, now: Date.UTC(2026, 10, 22, 23, 30) })).toBe('2026-11-22T00:30:00.000Z')
    expect(iso('00:30', { ...amsterdam, now: Date.UTC(2026, 10, 22, 23, 30) })).toBe(
      '2026-11-22T23:30:00.000Z',
    )
  })

  it.each([
    ['', 'Type a time.'],
    ['soon', 'Not a time. Try 18 Nov 06:00, 2026-11-18 06:00 or now-3h.'],
    ['now-3x', 'Not a time. Try 18 Nov 06:00, 2026-11-18 06:00 or now-3h.'],
    ['12', 'Not a time. Try 18 Nov 06:00, 2026-11-18 06:00 or now-3h.'],
    ['18 Foo 06:00', 'Not a time. Try 18 Nov 06:00, 2026-11-18 06:00 or now-3h.'],
    ['31 Feb 06:00', 'There is no such day or time.'],
    ['2026-13-01', 'There is no such day or time.'],
    ['2026-11-18 25:00', 'There is no such day or time.'],
    ['2026-11-18 06:61', 'There is no such day or time.'],
    ['2026-02-31T25:00:00Z', 'There is no such day or time.'],
    ['now-40000d', 'Outside the years 1970 to 9999.'],
    ['1969-12-31 06:00', 'Outside the years 1970 to 9999.'],
  ])('L-TYPED-2: %j is refused with words', (text, words) => {
    expect(readTime(text, amsterdam)).toEqual({ ok: false, words })
  })

  it('L-TYPED-3: a written time is short, and reads back as the very same', () => {
    expect(writeTime(Date.UTC(2026, 10, 18, 5), amsterdam)).toBe('18 Nov 06:00')
    expect(writeTime(Date.UTC(2024, 10, 18, 5, 0, 7), amsterdam)).toBe('18 Nov 2024 06:00:07')
    expect(writeTime(Date.UTC(2026, 9, 25, 1, 30), amsterdam)).toBe('2026-10-25T01:30:00.000Z')
    const zones = ['UTC', 'Europe/Amsterdam', 'Asia/Kolkata', 'America/St_Johns', 'America/Sao_Paulo']
    for (let i = 0; i < 2_000; i++) {
      // Spread over seventy years by a step that shares no factor with a day.
      const time = (i * 1_103_515_245_713) % Date.UTC(2040, 0, 1)
      const timeZone = zones[i % zones.length] ?? 'UTC'
      const text = writeTime(time, { ...amsterdam, timeZone })
      expect(readTime(text, { ...amsterdam, timeZone }), `${text} in ${timeZone}`).toEqual({ ok: true, time })
    }
  })
})

describe('typed ranges', () => {
  it('L-TYPED-4: so long ago until now is a live window, everything else stands still', () => {
    expect(readTypedRange({ from: 'now-3h', to: 'now' }, amsterdam)).toEqual({
      ok: true,
      range: { kind: 'live', windowMs: 3 * hour },
    })
    expect(readTypedRange({ from: '18 Nov 06:00', to: 'now' }, utc)).toEqual({
      ok: true,
      range: { kind: 'fixed', from: Date.UTC(2026, 10, 18, 6), to: utc.now },
    })
    expect(readTypedRange({ from: 'now-3h', to: 'now-1h' }, utc)).toEqual({
      ok: true,
      range: { kind: 'fixed', from: utc.now - 3 * hour, to: utc.now - hour },
    })
  })

  it.each([
    ['soon', 'later', { from: expect.any(String), to: expect.any(String) }],
    ['18 Nov 06:00', 'later', { to: expect.any(String) }],
    ['21 Nov 06:00', '18 Nov 06:00', { from: 'Must be before the end.' }],
    ['18 Nov 06:00', '18 Nov 06:00', { from: 'Must be before the end.' }],
    ['1764000000000', '1764000000999', { to: 'At least a second after the start.' }],
    ['2010-01-01', 'now', { from: 'More than ten years before the end.' }],
    ['now+1h', 'now+2h', { from: 'Has not come yet.' }],
  ])('L-TYPED-4: %s to %s is refused beside the field', (from, to, words) => {
    expect(readTypedRange({ from, to }, amsterdam)).toEqual({ ok: false, ...words })
  })
})
