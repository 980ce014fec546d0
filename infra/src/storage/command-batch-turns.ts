import { COMMAND_OF_DEVICE } from './command-batches.ts'
import type { Queryable } from './pool.ts'

/** A batch that has its turn. Whoever holds it may make or cancel its commands until the transaction ends. */
export interface BatchTurn {
  id: string
  name: string
  params: unknown
  ttlMs: number
  createdBy: string
  /** Devices before it have had their turn. */
  position: number
  isStopped: boolean
  /** The database's time. */
  startedAt: Date
}

/**
 * How long until a batch may have its turn; undefined when none has anything to do. `spanMsMax`: no turn takes a longer
 * part of the pace, so a later time is of a clock that was set back since.
 */
export async function readBatchPauseMs(db: Queryable, spanMsMax: number): Promise<number | undefined> {
  const { rows } = await db.query<{ isOpen: boolean; isStopped: boolean; waitMs: number }>(
    `SELECT count(*) > 0 AS "isOpen", coalesce(bool_or(stopped_at IS NOT NULL), false) AS "isStopped",
       (SELECT (extract(epoch FROM next_at - clock_timestamp()) * 1000)::float8 FROM command_batch_pace)
         AS "waitMs"
     FROM command_batch WHERE is_open`,
  )
  const { isOpen = false, isStopped = false, waitMs = 0 } = rows[0] ?? {}
  if (!isOpen) return undefined
  return isStopped || waitMs > spanMsMax ? 0 : Math.max(0, waitMs)
}

/**
 * Gives one open batch its turn, the one that has waited longest; undefined when another runner has the turn or it is
 * too early. The locks go with the transaction: a runner that was killed holds up nobody.
 */
export async function takeBatchTurn(db: Queryable, spanMsMax: number): Promise<BatchTurn | undefined> {
  const { rows: pace } = await db.query<{ startedAt: Date; isDue: boolean }>(
    `SELECT clock_timestamp() AS "startedAt",
       next_at <= clock_timestamp() OR next_at > clock_timestamp() + $1::float8 * interval '1 millisecond'
       AS "isDue"
     FROM command_batch_pace FOR UPDATE SKIP LOCKED`,
    [spanMsMax],
  )
  if (!pace[0]) return undefined
  // A stop waits for nobody's pace. A batch somebody is stopping just now is left to its next turn.
  const { rows } = await db.query<Omit<BatchTurn, 'startedAt'>>(
    `SELECT id, name, params, ttl_ms AS "ttlMs", created_by AS "createdBy", position,
       stopped_at IS NOT NULL AS "isStopped"
     FROM command_batch WHERE is_open AND ($1 OR stopped_at IS NOT NULL)
     ORDER BY turn_at, seq LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED`,
    [pace[0].isDue],
  )
  return rows[0] && { ...rows[0], startedAt: pace[0].startedAt }
}

export interface TurnDevice {
  position: number
  deviceId: string
  commandId: string
}

/** The next devices of the batch. */
export async function listTurnDevices(
  db: Queryable,
  { id, position }: BatchTurn,
  limit: number,
): Promise<TurnDevice[]> {
  const { rows } = await db.query<TurnDevice>(
    `SELECT position, device_id AS "deviceId", command_id AS "commandId" FROM command_batch_device
     WHERE batch_id = $1 AND position >= $2 ORDER BY position LIMIT $3`,
    [id, position, limit],
  )
  return rows
}

/**
 * Keeps the batch from being stopped until the transaction that makes a command of it ends. The turn does so as well,
 * but its connection may be lost without a word: then the batch may be stopped already, or another have the turn.
 * The one lock that a turn held on another connection lets through.
 * @throws when the batch was stopped
 */
export async function holdUnstopped(db: Queryable, id: string): Promise<void> {
  const { rowCount } = await db.query({
    name: 'hold-unstopped-batch',
    text: 'SELECT FROM command_batch WHERE id = $1 AND stopped_at IS NULL FOR KEY SHARE',
    values: [id],
  })
  if (rowCount === 0) throw new Error('the batch was stopped')
}

/** What a turn came to. */
export interface TurnResult {
  /** Devices before it have had their turn now. */
  position: number
  refused: { position: number; error: string }[]
  /** What the turn takes of everybody's pace, from its beginning. */
  spanMs: number
}

/** Ends a turn that made commands, with the transaction. */
export async function noteBatchTurn(db: Queryable, turn: BatchTurn, result: TurnResult): Promise<void> {
  const { id, startedAt } = turn
  const { position, refused, spanMs } = result
  if (refused.length > 0)
    await db.query(
      `UPDATE command_batch_device d SET error = r.error
       FROM unnest($2::int[], $3::text[]) AS r (position, error)
       WHERE d.batch_id = $1 AND d.position = r.position`,
      [id, refused.map((one) => one.position), refused.map((one) => one.error)],
    )
  await db.query(
    `UPDATE command_batch SET position = $2, turn_at = clock_timestamp(), is_open = $2 < devices,
       finished_at = CASE WHEN $2 >= devices THEN clock_timestamp() END
     WHERE id = $1`,
    [id, position],
  )
  await db.query(
    `UPDATE command_batch_pace SET next_at = $1::timestamptz + $2::float8 * interval '1 millisecond'`,
    [startedAt, spanMs],
  )
}

/** Commands of a stopped batch that can still be cancelled. */
export async function listCancellable(
  db: Queryable,
  batchId: string,
  limit: number,
): Promise<{ id: string; deviceId: string }[]> {
  const { rows } = await db.query<{ id: string; deviceId: string }>(
    `SELECT c.id, c.device_id AS "deviceId"
     FROM command_batch_device d JOIN ${COMMAND_OF_DEVICE} ON c.status = 'queued'
     WHERE d.batch_id = $1 ORDER BY d.position LIMIT $2`,
    [batchId, limit],
  )
  return rows
}

/** Ends a turn that cancelled; the batch is done when nothing was left to cancel. */
export async function noteCancelTurn(db: Queryable, id: string, isDone: boolean): Promise<void> {
  await db.query('UPDATE command_batch SET turn_at = clock_timestamp(), is_open = NOT $2 WHERE id = $1', [
    id,
    isDone,
  ])
}
