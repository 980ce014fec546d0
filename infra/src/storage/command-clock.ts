import type { Queryable } from './pool.ts'

/**
 * Deadlines of commands are in a time of their own: the database's wall clock plus what `command_clock` says. A wall
 * clock may be set; this time goes on as a stopwatch would, because a broker with a stopwatch corrects the difference.
 */
export const AHEAD = `coalesce((SELECT ahead_ms FROM command_clock), 0) * interval '1 millisecond'`

/** A time of commands given in milliseconds, as SQL. */
export const commandTime = (parameter: string) => `to_timestamp(${parameter}::double precision / 1000)`

export interface ClockReading {
  /** The time of commands. */
  nowMs: number
  /** By how much it is ahead of the wall clock. */
  aheadMs: number
  /** Commands made from here on are newer than this reading. */
  seq: number
}

export async function readCommandClock(db: Queryable): Promise<ClockReading> {
  const { rows } = await db.query<{ wall_ms: number; ahead_ms: number; seq: number }>(
    `SELECT extract(epoch FROM clock_timestamp())::double precision * 1000 AS wall_ms,
       CASE WHEN is_called THEN last_value ELSE 0 END AS seq,
       coalesce((SELECT ahead_ms FROM command_clock), 0) AS ahead_ms FROM command_seq_seq`,
  )
  const { wall_ms: wallMs = 0, ahead_ms: aheadMs = 0, seq = 0 } = rows[0] ?? {}
  return { nowMs: wallMs + aheadMs, aheadMs, seq }
}

/**
 * The wall clock jumped by `jumpMs`. Of several brokers that notice, one corrects it. Commands that were made between
 * the jump and now got deadlines that are wrong by the jump: they were not made between `fromMs` and `toMs`.
 * @returns false when another one was first
 */
export async function correctCommandClock(
  db: Queryable,
  jump: { jumpMs: number; aheadMs: number; sinceSeq: number; fromMs: number; toMs: number },
): Promise<boolean> {
  const { rows } = await db.query(
    `WITH corrected AS (
       INSERT INTO command_clock AS clock (ahead_ms) VALUES ($2::bigint - $1::bigint)
       ON CONFLICT (is_only) DO UPDATE SET ahead_ms = excluded.ahead_ms WHERE clock.ahead_ms = $2
       RETURNING ahead_ms
     ), moved AS (
       UPDATE command SET expires_at = expires_at - $1::bigint * interval '1 millisecond'
       WHERE finished_at IS NULL AND seq > $3 AND EXISTS (SELECT FROM corrected) AND NOT
         expires_at - ttl_ms * interval '1 millisecond' BETWEEN ${commandTime('$4')} AND ${commandTime('$5')}
     )
     SELECT FROM corrected`,
    [jump.jumpMs, jump.aheadMs, jump.sinceSeq, jump.fromMs, jump.toMs],
  )
  return rows.length > 0
}
