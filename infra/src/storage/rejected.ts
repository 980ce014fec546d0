import type { Queryable } from './pool.ts'

export interface RejectedRecord {
  id: number
  receivedAt: string
  topic: string
  reason: string
  payload: Buffer
  payloadBytes: number
}

/** How often a device was told the same; the reason may quote what it sent. */
export interface RejectedCount {
  deviceId: string
  deviceName: string
  reason: string
  count: number
  newestMs: number
}

/** Of the last day, and of no more than the newest `scannedMax`: a flood must not make this slow. */
export async function countRejected(db: Queryable, scannedMax: number): Promise<RejectedCount[]> {
  const { rows } = await db.query<RejectedCount>(
    `WITH newest AS (
       SELECT device_id, reason, received_at FROM rejected_message
       WHERE received_at > now() - interval '1 day' ORDER BY received_at DESC LIMIT $1
     ), counted AS (
       SELECT device_id, reason, count(*)::int AS count, max(received_at) AS newest FROM newest GROUP BY 1, 2
     )
     SELECT device_id AS "deviceId", d.name AS "deviceName", reason, count,
       (extract(epoch FROM newest) * 1000)::float8 AS "newestMs"
     FROM counted JOIN device d ON d.id = device_id ORDER BY newest DESC`,
    [scannedMax],
  )
  return rows
}

/** Newest first; `before` is the id a previous page ended with. */
export async function listRejected(
  db: Queryable,
  deviceId: string,
  page: { limit: number; before?: number | undefined },
): Promise<RejectedRecord[]> {
  const { rows } = await db.query<{
    id: number
    received_at: Date
    topic: string
    reason: string
    payload: Buffer
    payload_bytes: number
  }>(
    `SELECT id, received_at, topic, reason, payload, payload_bytes FROM rejected_message
     WHERE device_id = $1 AND ($2::bigint IS NULL OR id < $2) ORDER BY id DESC LIMIT $3`,
    [deviceId, page.before ?? null, page.limit],
  )
  return rows.map(({ received_at, payload_bytes, ...row }) => ({
    ...row,
    receivedAt: received_at.toISOString(),
    payloadBytes: payload_bytes,
  }))
}
