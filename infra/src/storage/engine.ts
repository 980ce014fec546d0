import { createPlainEngine } from './engine-plain.ts'
import type { Pool } from './pool.ts'

/**
 * What differs between storage engines lives behind this; every other query is one text for all of them.
 * TimescaleDB joins here as a second implementation, chosen when the extension is available.
 */
export interface Engine {
  readonly name: 'plain' | 'timescale'
  /** Makes sure rows with times in [fromMs, toMs] have somewhere to go. Free when they already have. */
  cover(fromMs: number, toMs: number): Promise<void>
  /** Drops what it believes about the database; called when a row found nowhere to go after all. */
  forget(): void
  /** Room for what comes next, and removal of raw readings older than the retention (0 keeps everything). */
  maintain(options: { nowMs: number; retentionDays: number }): Promise<void>
}

export async function openEngine(pool: Pool): Promise<Engine> {
  return createPlainEngine(pool)
}
