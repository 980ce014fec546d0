import { describe, expect, it } from 'vitest'
import { allSessions, older } from './history.ts'

const day = 86_400_000
const session = (from: number, to: number | null) => ({
  ...{ connectedAt: new Date(from).toISOString(), durationMs: 0, reason: null, address: null },
  disconnectedAt: to === null ? null : new Date(to).toISOString(),
})

describe('the connections of a device, further and further back', () => {
  it('P-SESSIONS-1: a month at a time, and not before there was a device', () => {
    const page = { from: 100 * day, sessions: [], truncated: false }
    expect(older(page, 10 * day)).toEqual({ from: 70 * day, to: 100 * day })
    expect(older(page, 90 * day)).toEqual({ from: 90 * day, to: 100 * day })
    expect(older(page, 100 * day)).toBeUndefined()
  })

  it('P-SESSIONS-1: what did not fit comes before that', () => {
    const page = { from: 100 * day, sessions: [session(101 * day, null), session(100.5 * day, 101 * day)] }
    expect(older({ ...page, truncated: true }, 0)).toEqual({ from: 100 * day, to: 100.5 * day })
  })

  it('P-SESSIONS-1: one that lasted over the end of a page is there once', () => {
    const [long, short] = [session(5, 20), session(1, 2)]
    expect(allSessions([{ sessions: [session(30, null), long] }, { sessions: [long, short] }])).toEqual([
      ...[session(30, null), long, short],
    ])
  })
})
