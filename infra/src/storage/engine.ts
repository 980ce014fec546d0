import { createPlainEngine } from './engine-plain.ts'
import { createTimescaleEngine } from './engine-timescale.ts'
import type { Pool } from './pool.ts'
import { timescaleState } from './timescale-install.ts'

/** What differs between storage engines lives behind this; every other query is one text for all of them. */
export interface Engine {
  readonly name: 'plain' | 'timescale'
  /** Makes sure rows of these times have somewhere to go. Cheap when they already have. */
  cover(timesMs: number[]): Promise<void>
  /** Drops what it believes about the database; called when a row found nowhere to go after all. */
  forget(): void
  /** Room for the rows of the next weeks. */
  makeRoom(nowMs: number): Promise<void>
  /** Removal of raw readings older than the retention, and the engine's own jobs. */
  maintain(options: MaintainOptions): Promise<void>
  /**
   * Advances the rollups by a bounded piece and folds in what arrived late. Safe to kill at any moment, and to run
   * in several processes: only one works at a time.
   * @returns true when there is more to do at once
   */
  rollUp(): Promise<boolean>
  /** Removes a bounded piece of what these series left: readings first, then their rollups. */
  removeSeries(seriesIds: number[]): Promise<{ readings: number; done: boolean }>
  describe(): Promise<EngineDescription>
}

export interface MaintainOptions {
  nowMs: number
  /** Raw readings older than this are dropped, rollups stay; 0 keeps everything. */
  retentionDays: number
  /** How old a reading may be when it arrives. */
  backfillDays: number
}

export interface EngineDescription {
  /** Of the TimescaleDB extension. */
  extensionVersion: string | null
  bytes: { readings: number; rollups: number }
  /** Of what is in the columnstore; null where there is none. */
  compression: { beforeBytes: number; afterBytes: number; chunks: number; chunksCompressed: number } | null
  oldestReadingMs: number | null
  /** Background jobs of the engine; none on plain PostgreSQL, where the broker does the work. */
  jobs: EngineJob[]
}

export interface EngineJob {
  name: string
  lastSuccessMs: number | null
  /** False when its last run failed. */
  ok: boolean
}

/** The engine of a migrated database. */
export async function openEngine(pool: Pool): Promise<Engine> {
  return (await timescaleState(pool)).isInstalled ? createTimescaleEngine(pool) : createPlainEngine(pool)
}
