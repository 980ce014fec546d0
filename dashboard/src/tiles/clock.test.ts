import { describe, expect, it } from 'vitest'
import { clockOf, clockWords } from './clock.ts'

const now = Date.parse('2026-11-22T14:07:09Z')
const values = (time: number) => ({ older: { value: 1, time: 5 }, newest: { value: 2, time } })

describe('a device whose clock is off', () => {
  it('D-CLOCK-1: both times are known, and by how much they differ', () => {
    const clock = clockOf({ values: values(now - 300_000), seenAt: now, rejectedAt: null })
    expect(clock).toEqual({ deviceTime: now - 300_000, arrivedAt: now, aheadMs: -300_000 })
    expect(clock && clockWords(clock)).toBe('Its clock is 5 min behind, or it sends late.')
    const ahead = clockOf({ values: values(now + 240_000), seenAt: now, rejectedAt: null })
    expect(ahead && clockWords(ahead)).toBe('Its clock is 4 min ahead.')
    const days = clockOf({ values: values(now - 3 * 86_400_000), seenAt: now, rejectedAt: null })
    expect(days && clockWords(days)).toMatch(/3 d behind/)
  })

  it('D-CLOCK-1: a minute more or less is no news, and nothing is claimed of what is not known', () => {
    expect(clockOf({ values: values(now - 60_000), seenAt: now, rejectedAt: null })).toBeNull()
    expect(clockOf({ values: values(now + 60_000), seenAt: now, rejectedAt: null })).toBeNull()
    expect(clockOf({ values: values(now - 300_000), seenAt: null, rejectedAt: null })).toBeNull()
    expect(clockOf({ values: {}, seenAt: now, rejectedAt: null })).toBeNull()
  })

  it('D-CLOCK-1: when the newest message was rejected, the newest reading is not of it', () => {
    const known = { values: values(now - 300_000), seenAt: now }
    expect(clockOf({ ...known, rejectedAt: now - 500 })).toBeNull()
    expect(clockOf({ ...known, rejectedAt: now - 10_000 })?.aheadMs).toBe(-300_000)
    expect(clockOf({ values: values(now + 240_000), seenAt: now, rejectedAt: now })?.aheadMs).toBe(240_000)
  })
})
