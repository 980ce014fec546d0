import type { ClientBase } from 'pg'
import type { Level } from './rollups.ts'

/**
 * Refreshes the continuous aggregate of a level from `from` (null: the beginning) to `to`, both timestamps in text.
 * Outside a transaction: it commits in between. A connection on which it fails must not be used for anything else.
 *
 * All buckets in one piece: in batches, the watermark would jump to the end with the first one, and charts would lack
 * what is still to come.
 * @param force also what the extension does not know to have changed
 */
export async function refreshAggregate(
  connection: ClientBase,
  { level, from, to, force = false }: { level: Level; from: string | null; to: string; force?: boolean },
): Promise<void> {
  const { rows } = await connection.query<{ batches: boolean }>(
    `SELECT bool_or('options' = ANY(proargnames)) AS batches FROM pg_proc
     WHERE proname = 'refresh_continuous_aggregate'`,
  )
  const inOnePiece = rows[0]?.batches ? `, options => '{"buckets_per_batch": 0}'` : ''
  const { begin, end } = plannerFor(level)
  await connection.query(begin)
  await connection.query(
    `CALL refresh_continuous_aggregate($1, $2::timestamptz, $3::timestamptz, force => ${force}${inOnePiece})`,
    [`reading_${level}`, from, to],
  )
  await connection.query(end)
}

/**
 * The planner takes the watermark for a constant that costs nothing; it is a function that takes 18 µs (2.28). Where
 * a chunk has no statistics yet, or reading_time narrows it down, an hour's or a day's refresh would ask it again for
 * each of millions of readings behind the watermark of the level below: minutes, in which late readings of an old
 * chunk can wait for it. The key is searched with what the watermark is once. Minutes are made from the readings
 * themselves, whose time is compared with constants: for them reading_time is what makes it quick. Compiling such a
 * plan takes longer than carrying it out.
 */
function plannerFor(level: Level): { begin: string; end: string } {
  const off = ['enable_seqscan', 'jit', ...(level === '1m' ? [] : ['enable_bitmapscan'])]
  return {
    begin: off.map((name) => `SET ${name} = off`).join('; '),
    end: off.map((name) => `RESET ${name}`).join('; '),
  }
}
