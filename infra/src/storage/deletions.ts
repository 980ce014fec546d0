import { limits } from '../limits.ts'
import type { Engine } from './engine.ts'
import { advisoryLocks } from './locks.ts'
import { inTransaction, type Pool, type Queryable } from './pool.ts'

export interface DeletionRecord {
  deviceId: string
  requestedBy: string
  requestedAt: string
  readingsDeleted: number
  /** Null while readings are still being removed. */
  finishedAt: string | null
}

/**
 * Removes a device at once, with everything but its readings, which {@link workOnDeletions} removes in the
 * background. Its id can be used again right away: series ids never are. False when there is none.
 */
export async function deleteDevice(pool: Pool, id: string, requestedBy: string): Promise<boolean> {
  return inTransaction(pool, async (db) => {
    // One after the other, so that ids become visible in their order: whoever knows one knows all before it.
    await db.query('SELECT pg_advisory_xact_lock($1)', [advisoryLocks.deletionOrder])
    // Waits for series being made for the device just now, so that the list below holds them all.
    const device = await db.query('SELECT FROM device WHERE id = $1 FOR UPDATE', [id])
    if (device.rowCount === 0) return false
    await db.query(
      `INSERT INTO device_deletion (device_id, series_ids, requested_by)
       SELECT $1, coalesce(array_agg(id), '{}'), $2 FROM series WHERE device_id = $1`,
      [id, requestedBy],
    )
    await db.query('DELETE FROM device WHERE id = $1', [id])
    return true
  })
}

export interface StorageClock {
  /** The newest deletion: what was known of series before it may be wrong. */
  lastDeletion: number
  /** The server's clock. */
  nowMs: number
}

/** What a batch has to know before it is stored, in one round trip. */
export async function readStorageClock(db: Queryable): Promise<StorageClock> {
  const { rows } = await db.query<StorageClock>({
    name: 'storage-clock',
    text: `SELECT (SELECT coalesce(max(id), 0) FROM device_deletion) AS "lastDeletion",
      (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS "nowMs"`,
  })
  return rows[0] as StorageClock
}

/** The devices deleted after the deletion `after`. */
export async function deletedSince(db: Queryable, after: number): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>(
    'SELECT DISTINCT device_id AS id FROM device_deletion WHERE id > $1',
    [after],
  )
  return rows.map(({ id }) => id)
}

/** The deletions of these devices after the deletion `after`. */
export async function deletionTimes(
  db: Queryable,
  { deviceIds, after }: { deviceIds: string[]; after: number },
): Promise<Map<string, { id: number; atMs: number }[]>> {
  const { rows } = await db.query<{ deviceId: string; id: number; atMs: number }>(
    `SELECT device_id AS "deviceId", id, (extract(epoch FROM requested_at) * 1000)::float8 AS "atMs"
     FROM device_deletion WHERE id > $2 AND device_id = ANY($1)`,
    [deviceIds, after],
  )
  const times = new Map<string, { id: number; atMs: number }[]>()
  for (const { deviceId, ...deletion } of rows)
    times.set(deviceId, [...(times.get(deviceId) ?? []), deletion])
  return times
}

/** Newest first. */
export async function listDeletions(
  db: Queryable,
  { limit, before }: { limit: number; before: number | undefined },
): Promise<(DeletionRecord & { id: number })[]> {
  const { rows } = await db.query<{
    id: number
    device_id: string
    requested_by: string
    requested_at: Date
    readings_deleted: number
    finished_at: Date | null
  }>(
    `SELECT id, device_id, requested_by, requested_at, readings_deleted, finished_at FROM device_deletion
     WHERE $1::bigint IS NULL OR id < $1 ORDER BY id DESC LIMIT $2`,
    [before ?? null, limit],
  )
  return rows.map((row) => ({
    id: row.id,
    deviceId: row.device_id,
    requestedBy: row.requested_by,
    requestedAt: row.requested_at.toISOString(),
    readingsDeleted: row.readings_deleted,
    finishedAt: row.finished_at?.toISOString() ?? null,
  }))
}

/**
 * Removes a bounded piece of what deleted devices left. A deletion ends only when its grace is over and nothing is
 * left: a batch that was under way when the device went may have written until then.
 * @returns true when there is more to remove at once
 */
export async function workOnDeletions(pool: Pool, engine: Engine): Promise<boolean> {
  const connection = await pool.connect()
  try {
    const { rows: lock } = await connection.query<{ mine: boolean }>(
      'SELECT pg_try_advisory_lock($1) AS mine',
      [advisoryLocks.deletion],
    )
    if (!lock[0]?.mine) return false
    try {
      const { rows } = await connection.query<OpenDeletion>(
        `SELECT id, series_ids AS "seriesIds", requested_at < now() - $1 * interval '1 millisecond' AS "isRipe"
         FROM device_deletion WHERE finished_at IS NULL ORDER BY id`,
        [limits.deletions.graceMs],
      )
      let isMore = false
      for (const deletion of rows) if (await removePiece(pool, engine, deletion)) isMore = true
      return isMore
    } finally {
      await connection.query('SELECT pg_advisory_unlock($1)', [advisoryLocks.deletion])
    }
  } finally {
    connection.release()
  }
}

interface OpenDeletion {
  id: number
  seriesIds: number[]
  isRipe: boolean
}

async function removePiece(
  pool: Pool,
  engine: Engine,
  { id, seriesIds, isRipe }: OpenDeletion,
): Promise<boolean> {
  const { readings, done } = await engine.removeSeries(seriesIds)
  for (const table of ['latest_reading', 'late_reading'])
    await pool.query(`DELETE FROM ${table} WHERE series_id = ANY($1::int4[])`, [seriesIds])
  await pool.query(
    `UPDATE device_deletion SET readings_deleted = readings_deleted + $2,
       finished_at = CASE WHEN $3 THEN now() END WHERE id = $1`,
    [id, readings, done && isRipe],
  )
  return !done
}
