import { describe, expect, it } from 'vitest'
import { limits } from '../limits.ts'
import { random } from '../testing/random.ts'
import { LateNotes, type LateSpan } from './late.ts'

const MINUTE = 60_000
const DAY = 1_440 * MINUTE
const { lateAfterMs, noteTrustedMs } = limits.rollups

const rowsAt = (seriesId: number, timesMs: number[]) => ({
  seriesIds: timesMs.map(() => seriesId),
  timesMs,
  values: timesMs,
})

describe('LateNotes', () => {
  it('T-LATE-3 every late reading lies in a note that was made within the time it is trusted', () => {
    const next = random(20_260_101)
    const notes = new LateNotes()
    const kept: (LateSpan & { atMs: number })[] = []
    let nowMs = 400 * DAY
    for (let i = 0; i < 1_000; i++) {
      nowMs += next() * 10_000
      const seriesId = Math.floor(next() * 5)
      const ageMs = next() ** 4 * 30 * DAY
      const timesMs = Array.from({ length: 20 }, () => nowMs - ageMs - next() * 60 * MINUTE)
      const wanted = notes.wanted(rowsAt(seriesId, timesMs), nowMs)
      // A commit that fails leaves no trace.
      if (next() < 0.2) continue
      kept.push(...wanted.map((span) => ({ ...span, atMs: nowMs })))
      notes.noted(wanted, nowMs)
      for (const timeMs of timesMs.filter((time) => time < nowMs - lateAfterMs))
        expect(
          kept.some(
            (span) =>
              span.seriesId === seriesId &&
              span.firstMs <= timeMs &&
              timeMs <= span.lastMs &&
              nowMs - span.atMs <= noteTrustedMs,
          ),
        ).toBe(true)
    }
  })

  it('T-LATE-4 a long backlog takes few notes, a device that is always a little late short ones', () => {
    const count = (stepMs: number, ageMs: number) => {
      const notes = new LateNotes()
      let made = 0
      let widestMs = 0
      for (let i = 0; i < 10_000; i++) {
        // A batch every 100 ms.
        const nowMs = 400 * DAY + i * 100
        const wanted = notes.wanted(rowsAt(1, [nowMs - ageMs + i * stepMs]), nowMs)
        notes.noted(wanted, nowMs)
        made += wanted.length
        for (const { firstMs, lastMs } of wanted) widestMs = Math.max(widestMs, lastMs - firstMs)
      }
      return { made, widestMs }
    }
    expect(count(4 * MINUTE, 29 * DAY).made).toBeLessThan(200)
    const late = count(0, 7 * MINUTE)
    expect(late.made).toBeLessThan(40)
    expect(late.widestMs).toBeLessThanOrEqual(10 * MINUTE)
  })
})
