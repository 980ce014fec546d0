import type { Readiness } from '@telltale/api/contract'
import { formatCount } from '../ui/format.ts'
import { jobWords } from './words.ts'

export type StorageReport = NonNullable<Readiness['storage']>
export type Rollup = StorageReport['rollups'][number]

const minute = 60_000
const widths: Record<string, number> = { '1m': minute, '1h': 60 * minute, '1d': 24 * 60 * minute }
/** Rollups stay this far behind on purpose: what arrives a little late is in them. */
const settleMs = 10 * minute
/** Room for a job that works in steps, and for a report that is a minute old. */
const graceMs = 10 * minute

export type RollupState =
  /** There is nothing yet that could have been rolled up. */
  { kind: 'waiting' } | { kind: 'on-time' } | { kind: 'behind'; byMs: number }

type Against = { now: number; oldestReading: number | null }

/** Judged against what the level could have by now: whole buckets only, and each level ends where a finer one does. */
export function rollupState({ level, doneUntil }: Rollup, { now, oldestReading }: Against): RollupState {
  const widthMs = widths[level] ?? minute
  const possibleAt = (time: number) => Math.floor((time - settleMs) / widthMs) * widthMs
  const isEnough = (until: number) => until >= possibleAt(now - graceMs)
  if (doneUntil !== null && isEnough(doneUntil)) return { kind: 'on-time' }
  const from = doneUntil ?? oldestReading
  if (from === null || isEnough(from)) return { kind: 'waiting' }
  return { kind: 'behind', byMs: possibleAt(now) - from }
}

const levelNames: Record<string, string> = { '1m': 'Minutes', '1h': 'Hours', '1d': 'Days' }

export function levelName(level: string): string {
  return levelNames[level] ?? level
}

export type DurabilitySetting = StorageReport['durabilityJudged'][number]

/** What a working system should still be looked after for, a few words each; the panels below say more. */
export function concerns(storage: StorageReport, now: number): string[] {
  const noted = storage.durabilityJudged.filter(({ holds, isUnusual }) => !holds || isUnusual)
  const failing = storage.jobs.filter(({ ok }) => !ok)
  const behind = storage.rollups.filter(
    (rollup) => rollupState(rollup, { now, oldestReading: storage.oldestReading }).kind === 'behind',
  )
  return [
    ...noted.map(({ name, value }) => `${name} is ${value || 'unknown'}`),
    ...jobConcern(failing.map(({ name }) => jobWords(name))),
    ...(behind.length > 0
      ? [`rollups are behind (${behind.map(({ level }) => levelName(level).toLowerCase()).join(', ')})`]
      : []),
  ]
}

/** Of what waits on the brokers' disks. */
export function spoolConcerns(spool: Readiness['spool']): string[] {
  if (spool === null) return []
  const waiting = `${formatCount(spool.messages)} messages wait on disk`
  return [
    ...(spool.state === 'taking' ? [`${waiting} for the database`] : []),
    ...(spool.state === 'replaying' ? [`${waiting} and are being stored`] : []),
    ...(spool.damagedBytes > 0 ? ['a part of what waited on disk cannot be read'] : []),
  ]
}

function jobConcern(failing: string[]): string[] {
  if (failing.length === 0) return []
  return [
    failing.length === 1
      ? `a background job fails (${failing[0]})`
      : `${failing.length} background jobs fail`,
  ]
}
