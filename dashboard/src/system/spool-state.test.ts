import { describe, expect, it } from 'vitest'
import { paceOf } from './spool-state.ts'

describe('R-SEEN-11 how long a replay takes, from two looks', () => {
  const before = { atMs: 10_000, messages: 20_000, replayedTotal: 1_000 }

  it('R-SEEN-11 counts what still comes in against it', () => {
    const after = { atMs: 15_000, messages: 12_000, replayedTotal: 11_000 }
    expect(paceOf(before, after)).toEqual({ perSecond: 2_000, leftMs: 7_500 })
  })

  it('R-SEEN-11 knows no end while it does not get less', () => {
    const after = { atMs: 15_000, messages: 20_500, replayedTotal: 6_000 }
    expect(paceOf(before, after)).toEqual({ perSecond: 1_000, leftMs: null })
  })

  it('R-SEEN-11 says nothing of a broker that started again in between', () => {
    expect(paceOf(before, { atMs: 15_000, messages: 12_000, replayedTotal: 50 })).toBeUndefined()
    expect(paceOf(before, before)).toBeUndefined()
  })
})
