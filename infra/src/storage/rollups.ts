import { advisoryLocks } from './locks.ts'
import type { Connection, Pool, Queryable } from './pool.ts'

/** Rollups on both engines: `reading_1m`, `reading_1h`, `reading_1d`, each made from the one before. */
export const LEVELS = [
  { level: '1m', widthMs: 60_000 },
  { level: '1h', widthMs: 3_600_000 },
  { level: '1d', widthMs: 86_400_000 },
] as const

export type Level = (typeof LEVELS)[number]['level']

/** Half-open, epoch milliseconds. */
export interface Span {
  fromMs: number
  toMs: number
}

/**
 * `sum` of rollups: in units of 2^30 (exact), or values near the largest double would overflow it; values below
 * 1e-280 count as zero, or they would underflow.
 */
export const SCALED_SUM = 'sum(CASE WHEN abs(value) > 1e-280 THEN value / 1073741824 ELSE 0 END)'

/** `-infinity` as a number when nothing was rolled up yet. */
export async function rollupProgress(db: Queryable): Promise<Record<Level, number>> {
  const { rows } = await db.query<{ level: Level; ms: number }>(
    'SELECT level, (extract(epoch FROM done_until) * 1000)::float8 AS ms FROM rollup_progress',
  )
  return Object.fromEntries(rows.map(({ level, ms }) => [level, ms])) as Record<Level, number>
}

export async function setRollupProgress(db: Queryable, level: Level, doneUntilMs: number): Promise<void> {
  await db.query('UPDATE rollup_progress SET done_until = $2 WHERE level = $1', [
    level,
    new Date(doneUntilMs),
  ])
}

/** Buckets before this are never made again: retention may have dropped some of their readings. */
export async function droppedBefore(db: Queryable): Promise<number> {
  const { rows } = await db.query<{ ms: number }>(
    'SELECT (extract(epoch FROM dropped_before) * 1000)::float8 AS ms FROM retention_state',
  )
  return ceilTo(rows[0]?.ms ?? Number.NEGATIVE_INFINITY, 86_400_000)
}

/** Said before readings are dropped. */
export async function setDroppedBefore(db: Queryable, ms: number): Promise<void> {
  await db.query('UPDATE retention_state SET dropped_before = greatest(dropped_before, $1)', [new Date(ms)])
}

/** The server's clock: every process agrees on it. */
export async function databaseNow(db: Queryable): Promise<number> {
  const { rows } = await db.query<{ ms: number }>(
    'SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS ms',
  )
  return rows[0]?.ms ?? Date.now()
}

export const floorTo = (ms: number, widthMs: number) => Math.floor(ms / widthMs) * widthMs
export const ceilTo = (ms: number, widthMs: number) => Math.ceil(ms / widthMs) * widthMs

/** Sorted and merged where they touch. */
export function mergeSpans(spans: Span[]): Span[] {
  const merged: Span[] = []
  for (const span of [...spans].sort((a, b) => a.fromMs - b.fromMs)) {
    const last = merged.at(-1)
    if (last && span.fromMs <= last.toMs) last.toMs = Math.max(last.toMs, span.toMs)
    else merged.push({ ...span })
  }
  return merged
}

/** A job works in pieces of seconds; this only ends what hangs. */
const JOB_STATEMENT_TIMEOUT = '10min'

/**
 * Runs `work` on a connection of its own while no other process does the same job.
 * @returns undefined when another process is at it
 */
export async function asOnlyWorker<T>(
  pool: Pool,
  work: (connection: Connection) => Promise<T>,
): Promise<T | undefined> {
  const connection = await pool.connect()
  let broken: Error | undefined
  try {
    const { rows } = await connection.query<{ mine: boolean }>('SELECT pg_try_advisory_lock($1) AS mine', [
      advisoryLocks.rollup,
    ])
    if (!rows[0]?.mine) return undefined
    await connection.query(`SET statement_timeout = '${JOB_STATEMENT_TIMEOUT}'`)
    return await work(connection)
  } catch (error) {
    // Lock and timeout belong to the session: end it rather than give it back.
    broken = error as Error
    throw error
  } finally {
    if (!broken)
      await connection
        .query(`SELECT pg_advisory_unlock(${advisoryLocks.rollup}); RESET statement_timeout`)
        .catch((error: Error) => {
          broken = error
        })
    connection.release(broken)
  }
}

export async function inBlock<T>(connection: Connection, work: () => Promise<T>): Promise<T> {
  await connection.query('BEGIN')
  const result = await work()
  await connection.query('COMMIT')
  return result
}

/** The widest piece of catching up: what is not done when a process is killed is done again. */
const PIECE_MS_MAX = 28 * 86_400_000

/** How far catching up goes at a time: each piece takes seconds, whatever the number of series and readings. */
export class Pace {
  #pieceMs: number
  readonly #minMs: number

  constructor(minMs: number) {
    this.#minMs = minMs
    this.#pieceMs = minMs * 60
  }

  /** Also a piece that failed was too much, when it took long. */
  async time<T>(work: (pieceMs: number) => Promise<T>): Promise<T> {
    const startedMs = performance.now()
    try {
      return await work(this.#pieceMs)
    } finally {
      this.#took(performance.now() - startedMs)
    }
  }

  #took(elapsedMs: number): void {
    if (elapsedMs < 1_500) this.#pieceMs = Math.max(this.#minMs, Math.min(this.#pieceMs * 2, PIECE_MS_MAX))
    else if (elapsedMs > 5_000) this.#pieceMs = Math.max(this.#minMs, floorTo(this.#pieceMs / 2, this.#minMs))
  }
}
