import { refreshAggregate } from '../storage/refresh.ts'
import { LEVELS, type Level } from '../storage/rollups.ts'
import { materializedTable } from '../storage/timescale-install.ts'
import type { Side } from './side.ts'

/**
 * Rollups are copied, not made again: retention may have dropped the readings they came from. TimescaleDB has to be
 * told so, before the first row: a range it still takes for "never rolled up" would be emptied by the next refresh
 * that reaches it. Refreshing it while there is nothing to roll up settles that. Readings copied afterwards count as
 * changes, so where there are readings a refresh finds what they say.
 */
export async function settleRollups(source: Side, target: Side): Promise<void> {
  if (target.engine !== 'timescale') return
  const { rows } = await source.client.query<{ level: Level; until: string }>(
    `SELECT level, done_until::text AS until FROM rollup_progress WHERE isfinite(done_until)`,
  )
  for (const { level } of LEVELS) {
    const until = rows.find((row) => row.level === level)?.until
    if (until) await refreshAggregate(target.client, { level, from: null, to: until })
  }
}

/**
 * Continuous aggregates show what they hold up to the newest bucket a refresh has written, so one bucket of each is
 * made again. Where retention has left no reading at all this waits for the first new one.
 */
export async function showRollups(target: Side): Promise<void> {
  if (target.engine !== 'timescale') return
  for (const { level, widthMs } of LEVELS) {
    const { rows } = await target.client.query<{ from: string | null; until: string }>(
      `SELECT max(bucket)::text AS from, (max(bucket) + $1 * interval '1 millisecond')::text AS until
       FROM ${await materializedTable(target.client, level)}`,
      [widthMs],
    )
    const { from = null, until = '' } = rows[0] ?? {}
    if (from === null || (level === '1m' && !(await hasReadings(target, from, until)))) return
    await refreshAggregate(target.client, { level, from, to: until })
  }
}

async function hasReadings({ client }: Side, from: string, until: string): Promise<boolean> {
  const { rowCount } = await client.query('SELECT FROM reading WHERE time >= $1 AND time < $2 LIMIT 1', [
    from,
    until,
  ])
  return (rowCount ?? 0) > 0
}
