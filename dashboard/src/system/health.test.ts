import type { Readiness } from '@telltale/api/contract'
import { describe, expect, it } from 'vitest'
import { concerns, rollupState, type StorageReport, spoolConcerns } from './health.ts'

const at = (time: string) => Date.parse(`2026-11-22T${time}Z`)
const now = at('14:20:30')
const old = { now, oldestReading: at('00:00:00') - 30 * 86_400_000 }

const healthy: StorageReport = {
  engine: 'timescale',
  serverVersion: '15.20',
  extensionVersion: '2.28.3',
  durability: { fsync: 'on', full_page_writes: 'on', synchronous_commit: 'on' },
  durabilityJudged: [{ name: 'fsync', value: 'on', means: 'Yes.', holds: true, isUnusual: false }],
  databaseBytes: 0,
  bytes: { readings: 0, rollups: 0 },
  compression: null,
  oldestReading: old.oldestReading,
  newestReading: now,
  rollups: [
    { level: '1m', doneUntil: at('14:08:00') },
    { level: '1h', doneUntil: at('14:00:00') },
    { level: '1d', doneUntil: at('00:00:00') },
  ],
  lateRanges: 0,
  deletionsOpen: 0,
  jobs: [{ name: 'compression reading', lastSuccess: now, ok: true }],
}

describe('rollupState', () => {
  it.each([
    ['1m', '14:10:00'],
    ['1m', '14:08:00'],
    ['1m', '14:00:00'],
    ['1h', '14:00:00'],
    ['1d', '00:00:00'],
  ])('O-SYSTEM-1 %s up to %s is on time at 14:20:30: rollups stay behind on purpose', (level, until) => {
    expect(rollupState({ level, doneUntil: at(until) }, old)).toEqual({ kind: 'on-time' })
  })

  it.each([
    ['1m', '13:59:00', 11],
    ['1m', '04:10:00', 600],
    ['1h', '13:00:00', 60],
    ['1h', '02:00:00', 720],
  ])('O-SYSTEM-1 %s up to %s is %s minutes behind what it could be', (level, until, minutes) => {
    expect(rollupState({ level, doneUntil: at(until) }, old)).toEqual({
      kind: 'behind',
      byMs: minutes * 60_000,
    })
  })

  it('O-SYSTEM-1 gives an hour and a day that are just over some time to be added', () => {
    const justOver = { ...old, now: at('15:14:00') }
    expect(rollupState({ level: '1h', doneUntil: at('14:00:00') }, justOver).kind).toBe('on-time')
    const longOver = { ...old, now: at('15:20:00') }
    expect(rollupState({ level: '1h', doneUntil: at('14:00:00') }, longOver)).toEqual({
      kind: 'behind',
      byMs: 3_600_000,
    })
    const midnight = { ...old, now: at('00:12:00') }
    const dayBefore = at('00:00:00') - 86_400_000
    expect(rollupState({ level: '1d', doneUntil: dayBefore }, midnight).kind).toBe('on-time')
  })

  it('O-SYSTEM-1 has nothing to complain of before there is anything to roll up', () => {
    const never = { level: '1m', doneUntil: null }
    expect(rollupState(never, { now, oldestReading: null })).toEqual({ kind: 'waiting' })
    expect(rollupState(never, { now, oldestReading: at('14:15:00') })).toEqual({ kind: 'waiting' })
    expect(rollupState(never, { now, oldestReading: at('12:10:00') })).toEqual({
      kind: 'behind',
      byMs: 2 * 3_600_000,
    })
  })
})

describe('concerns', () => {
  it('O-SYSTEM-2 has none when everything is well', () => {
    expect(concerns(healthy, now)).toEqual([])
  })

  it('O-SYSTEM-2 names a setting that is not on, a failing job and rollups that are behind', () => {
    const storage: StorageReport = {
      ...healthy,
      durabilityJudged: [{ name: 'fsync', value: 'off', means: 'No.', holds: false, isUnusual: false }],
      jobs: [...healthy.jobs, { name: 'retention reading', lastSuccess: null, ok: false }],
      rollups: healthy.rollups.map((rollup) =>
        rollup.level === '1h' ? { ...rollup, doneUntil: at('03:00:00') } : rollup,
      ),
    }
    expect(concerns(storage, now)).toEqual([
      'fsync is off',
      'a background job fails (Remove old readings)',
      'rollups are behind (hours)',
    ])
  })

  it('O-SYSTEM-2 counts failing jobs when there are several', () => {
    const failing = { name: 'compression reading', lastSuccess: null, ok: false }
    expect(concerns({ ...healthy, jobs: [failing, failing] }, now)).toEqual(['2 background jobs fail'])
  })
})

describe('spoolConcerns', () => {
  const spool = {
    ...{ state: 'empty', messages: 1_500, bytes: 1, bytesMax: 2, oldestAt: 1 },
    ...{ spooledTotal: 1, replayedTotal: 1, damagedBytes: 0 },
  } as const

  it.each([
    [null, []],
    [{ ...spool, messages: 0 }, []],
    [{ ...spool, state: 'taking' }, ['1,500 messages wait on disk for the database']],
    [{ ...spool, state: 'replaying' }, ['1,500 messages wait on disk and are being stored']],
    [{ ...spool, damagedBytes: 5 }, ['a part of what waited on disk cannot be read']],
  ] as [Readiness['spool'], string[]][])(
    'R-SEEN-10 the verdict names what waits on disk, and what is damaged: %o',
    (of, words) => {
      expect(spoolConcerns(of)).toEqual(words)
    },
  )
})
