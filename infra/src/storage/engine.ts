import { createPlainEngine } from './engine-plain.ts'
import type { Pool } from './pool.ts'

/**
 * What differs between storage engines lives behind this; every other query is one text for all of them.
 * TimescaleDB joins here as a second implementation, chosen when the extension is available.
 */
export interface Engine {
  readonly name: 'plain' | 'timescale'
  /** Makes sure rows of these times have somewhere to go. Cheap when they already have. */
  cover(timesMs: number[]): Promise<void>
  /** Drops what it believes about the database; called when a row found nowhere to go after all. */
  forget(): void
  /** Room for what comes next, and removal of raw readings older than the retention (0 keeps everything). */
  maintain(options: { nowMs: number; retentionDays: number }): Promise<void>
}

export async function openEngine(pool: Pool): Promise<Engine> {
  return createPlainEngine(pool)
}
