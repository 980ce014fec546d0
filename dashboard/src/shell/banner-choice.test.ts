import type { Readiness } from '@telltale/api/contract'
import { describe, expect, it } from 'vitest'
import { type Banner, chooseBanner, lookAt, type Seen } from './banner-choice.ts'

const calm = {
  readiness: undefined,
  hasNewVersion: false,
  hasUnsaved: false,
  isViewer: false,
  isDismissed: false,
}

function kept(state: 'empty' | 'taking' | 'replaying' | 'full', messages: number): Readiness['spool'] {
  const totals = { spooledTotal: messages, replayedTotal: 0, damagedBytes: 0 }
  return { state, messages, bytes: messages, bytesMax: 1_000, oldestAt: 1, ...totals }
}

function readiness(database: boolean, broker: boolean, spool: Readiness['spool'] = null): Readiness {
  const checks = [
    { name: 'database', ok: database },
    { name: 'broker', ok: broker },
  ]
  return { ready: database && broker, version: '1.0.0', checks, spool }
}

it.each([
  { case: 'nothing', facts: {}, shown: undefined },
  { case: 'all is well', facts: { readiness: readiness(true, true) }, shown: undefined },
  { case: 'the database is away', facts: { readiness: readiness(false, true) }, shown: 'database-away' },
  { case: 'the broker is away', facts: { readiness: readiness(true, false) }, shown: 'broker-away' },
  { case: 'a new version', facts: { hasNewVersion: true }, shown: 'new-version' },
  { case: 'a viewer', facts: { isViewer: true }, shown: 'look-only' },
  { case: 'a viewer who knows', facts: { isViewer: true, isDismissed: true }, shown: undefined },
  {
    case: 'all at once',
    facts: { readiness: readiness(false, false), hasNewVersion: true, isViewer: true },
    shown: 'database-away',
  },
  {
    case: 'a new version for a viewer',
    facts: { hasNewVersion: true, isViewer: true },
    shown: 'new-version',
  },
])('O-BANNER-1 one line at most: $case', ({ facts, shown }) => {
  expect(chooseBanner({ ...calm, ...facts })?.kind).toBe(shown)
})

const taking = kept('taking', 12_345)

it.each([
  { case: 'nothing waits', now: readiness(true, true, kept('empty', 0)), shown: null },
  {
    case: 'the database is away, and what comes is kept',
    now: readiness(false, true, taking),
    shown: { kind: 'database-away', kept: 12_345 },
  },
  {
    case: 'the database is away, and a broker of an older version keeps nothing',
    now: readiness(false, true),
    shown: { kind: 'database-away', kept: null },
  },
  {
    case: 'only the broker does not get to it',
    now: readiness(true, true, taking),
    shown: { kind: 'storing-late', kept: 12_345 },
  },
  {
    case: 'there is no room left, which is worse than all else',
    now: readiness(false, false, kept('full', 99)),
    shown: { kind: 'spool-full', kept: 99 },
  },
  {
    case: 'it is back, and what waited is being stored',
    now: readiness(true, true, kept('replaying', 800)),
    shown: { kind: 'replaying', left: 800 },
  },
])('R-SEEN-13 the banner says what is true of readings now: $case', ({ now, shown }) => {
  expect(chooseBanner({ ...calm, readiness: now, isViewer: true, isDismissed: true })).toEqual(shown)
})

describe('since when it is so', () => {
  const calmLook = { isKnown: true, banner: null }
  const away = { isKnown: true, banner: { kind: 'database-away', kept: 1 } as const }
  const full = { isKnown: true, banner: { kind: 'spool-full', kept: 1 } as const }
  const brokerAway = { isKnown: true, banner: { kind: 'broker-away' } as const }
  const unknown = { isKnown: false, banner: null }
  const after = (...looks: { isKnown: boolean; banner: Banner | null }[]) =>
    looks.reduce<Seen | undefined>((before, look, i) => lookAt(before, { ...look, nowMs: i }), undefined)

  it('R-SEEN-13 a page says it only of what it has seen begin', () => {
    expect(after(away, away)?.sinceMs).toBeUndefined()
    expect(after(calmLook, away, away)?.sinceMs).toBe(1)
    expect(after(calmLook, unknown, away)?.sinceMs).toBeUndefined()
  })

  it('R-SEEN-13 it goes on when it gets worse, and does not pass to another trouble', () => {
    expect(after(calmLook, away, full)?.sinceMs).toBe(1)
    expect(after(calmLook, away, brokerAway)?.sinceMs).toBeUndefined()
  })
})
