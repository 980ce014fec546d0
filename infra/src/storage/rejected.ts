import type { Queryable } from './pool.ts'

export interface RejectedRecord {
  id: number
  receivedAt: string
  topic: string
  reason: string
  payload: Buffer
  payloadBytes: number
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
