import { limits } from '../limits.ts'
import { AHEAD } from './command-clock.ts'
import type { CommandStatus } from './commands.ts'
import { type DeviceSelection, FROM_SELECTED_DEVICES, selectionValues } from './device-selection.ts'
import { LOCK_NOT_AVAILABLE, sqlState } from './errors.ts'
import { inTransaction, type Pool, type Queryable } from './pool.ts'

/** One command for many devices; command-batch-turns.ts makes its commands. */
export interface CommandBatchRecord extends CommandBatchSummary {
  params: unknown
  /** How many devices are in each state; states nobody is in are left out. */
  results: Record<string, number>
}

/** What takes one row to know, however many devices there are. */
export interface CommandBatchSummary {
  id: string
  name: string
  ttlMs: number
  filter: BatchFilter
  status: 'running' | 'finished' | 'stopped'
  devices: number
  /** Devices that have had their turn. */
  made: number
  createdBy: string
  createdAt: string
  finishedAt: string | null
}

/** A selection, and `all` where every device is meant. */
export interface BatchFilter extends DeviceSelection {
  all?: true | undefined
}

export interface NewCommandBatch {
  id: string
  filter: BatchFilter
  name: string
  params: unknown
  ttlMs: number
  createdBy: string
  idempotencyKey: string | undefined
  /** The filter may match no more than this. */
  devicesMax: number | undefined
}

export interface SelectionCount {
  devices: number
  /** Connected now, whether they speak or are silent. */
  online: number
  disabled: number
}

export async function countSelectedDevices(
  db: Queryable,
  selection: DeviceSelection,
): Promise<SelectionCount> {
  const { rows } = await db.query<SelectionCount>(
    `SELECT count(*) AS devices, count(*) FILTER (WHERE p.status IN ('online', 'silent')) AS online,
       count(*) FILTER (WHERE d.disabled_at IS NOT NULL) AS disabled
     ${FROM_SELECTED_DEVICES}`,
    selectionValues(selection),
  )
  return rows[0] as SelectionCount
}

export type BatchCreation =
  | { outcome: 'created' | 'repeated'; id: string }
  /** The key was used for something else. */
  | { outcome: 'conflict' }
  /** The filter matches none, more than a batch may have (`matches` counts no further), or more than `devicesMax`. */
  | { outcome: 'no_devices' | 'too_many' | 'changed'; matches: number }

/**
 * Stores a batch with the devices its filter matches now, in one statement however many they are. The same idempotency
 * key again answers the first batch; `devicesMax` only guards the making and may differ.
 */
export async function createCommandBatch(db: Queryable, batch: NewCommandBatch): Promise<BatchCreation> {
  const repeated = await findRepeated(db, batch)
  if (repeated) return repeated
  const { devicesMax: most } = limits.commandBatches
  const { rows } = await db.query<{ matches: number; made: number }>(
    `WITH selected AS (
       SELECT d.id, row_number() OVER (ORDER BY d.id) - 1 AS position ${FROM_SELECTED_DEVICES}
       ORDER BY d.id LIMIT $13::int + 1
     ), batch AS (
       INSERT INTO command_batch (id, filter, name, params, ttl_ms, created_by, idempotency_key, devices)
       SELECT $6, $7, $8, $9, $10, $11, $12, n FROM (SELECT count(*) AS n FROM selected) counted
       WHERE n BETWEEN 1 AND least($13::int, $14::int)
       ON CONFLICT DO NOTHING
       RETURNING id
     ), devices AS (
       INSERT INTO command_batch_device (batch_id, position, device_id)
       SELECT batch.id, selected.position, selected.id FROM batch, selected
     )
     SELECT (SELECT count(*) FROM selected) AS matches, (SELECT count(*) FROM batch) AS made`,
    [...selectionValues(batch.filter), batch.id, ...contentOf(batch), most, batch.devicesMax ?? most],
  )
  const { matches = 0, made = 0 } = rows[0] ?? {}
  if (made === 1) return { outcome: 'created', id: batch.id }
  if (matches === 0) return { outcome: 'no_devices', matches }
  if (matches > most) return { outcome: 'too_many', matches }
  // Within bounds and yet not made: the same key arrived twice at once.
  return (await findRepeated(db, batch)) ?? { outcome: 'changed', matches }
}

function contentOf({ filter, name, params, ttlMs, createdBy, idempotencyKey }: NewCommandBatch): unknown[] {
  const json = [JSON.stringify(filter), name, JSON.stringify(params ?? {})]
  return [...json, ttlMs, createdBy, idempotencyKey ?? null]
}

async function findRepeated(db: Queryable, batch: NewCommandBatch): Promise<BatchCreation | undefined> {
  if (batch.idempotencyKey === undefined) return undefined
  const { rows } = await db.query<{ id: string; same: boolean }>(
    `SELECT id, (filter = $1::jsonb AND name = $2 AND params = $3::jsonb AND ttl_ms = $4) AS same
     FROM command_batch WHERE created_by = $5 AND idempotency_key = $6`,
    contentOf(batch),
  )
  if (!rows[0]) return undefined
  return rows[0].same ? { outcome: 'repeated', id: rows[0].id } : { outcome: 'conflict' }
}

/**
 * The command `c` of a device's row `d`. Looked up one by one: 10,000 rows by their key cost the same however many
 * commands there are, where a join of the two tables would come to read them all, on every core.
 */
export const COMMAND_OF_DEVICE = `LATERAL (
  SELECT id, device_id, status, error, expires_at, finished_at FROM command WHERE id = d.command_id OFFSET 0) c`

/**
 * Where a device of the batch `b` is, from its row `d` and its command `c`: the command is the truth wherever there is
 * one. A device that had its turn and has neither a command nor an error was deleted, and its command with it.
 */
const DEVICE_STATUS = `CASE WHEN c.id IS NOT NULL THEN c.status WHEN d.position < b.position THEN 'refused'
  WHEN b.stopped_at IS NOT NULL THEN 'stopped' ELSE 'waiting' END`
const DEVICE_ERROR = `CASE WHEN c.id IS NOT NULL THEN c.error
  WHEN d.position < b.position THEN coalesce(d.error, 'The device was deleted.') END`

const SUMMARY = `b.id, b.name, b.ttl_ms AS "ttlMs", b.filter, b.devices, b.position AS made,
  CASE WHEN b.stopped_at IS NOT NULL THEN 'stopped' WHEN b.finished_at IS NOT NULL THEN 'finished'
    ELSE 'running' END AS status,
  b.created_by AS "createdBy", b.created_at AS "createdAt", coalesce(b.stopped_at, b.finished_at) AS "finishedAt"`

type Row<T> = Omit<T, 'createdAt' | 'finishedAt'> & { createdAt: Date; finishedAt: Date | null }

function fromRow<T extends Row<CommandBatchSummary>>(row: T) {
  return { ...row, createdAt: row.createdAt.toISOString(), finishedAt: row.finishedAt?.toISOString() ?? null }
}

/** Counts its devices: some 20 ms for the most there may be. */
export async function getCommandBatch(db: Queryable, id: string): Promise<CommandBatchRecord | undefined> {
  const { rows } = await db.query<Row<CommandBatchRecord>>(
    `SELECT ${SUMMARY}, b.params, (
       SELECT coalesce(jsonb_object_agg(status, n), '{}') FROM (
         SELECT ${DEVICE_STATUS} AS status, count(*) AS n
         FROM command_batch_device d LEFT JOIN ${COMMAND_OF_DEVICE} ON true
         WHERE d.batch_id = b.id GROUP BY 1
       ) states
     ) AS results
     FROM command_batch b WHERE b.id = $1`,
    [id],
  )
  return rows[0] && fromRow(rows[0])
}

/** Newest first; `before` is the `seq` a previous page ended with. Counts nothing, so a page costs what its rows do. */
export async function listCommandBatches(
  db: Queryable,
  { limit, before }: { limit: number; before: number | undefined },
): Promise<(CommandBatchSummary & { seq: number })[]> {
  const { rows } = await db.query<Row<CommandBatchSummary> & { seq: number }>(
    `SELECT b.seq, ${SUMMARY} FROM command_batch b
     WHERE $1::bigint IS NULL OR b.seq < $1 ORDER BY b.seq DESC LIMIT $2`,
    [before ?? null, limit],
  )
  return rows.map(fromRow)
}

export type BatchDeviceStatus = CommandStatus | 'waiting' | 'refused' | 'stopped'

export interface BatchResultRecord {
  position: number
  deviceId: string
  /** Null when the device was deleted. */
  deviceName: string | null
  /** Null while there is no such command. */
  commandId: string | null
  status: BatchDeviceStatus
  error: string | null
  /** Of a command that waits for its device. */
  expiresAt: string | null
  finishedAt: string | null
}

type ResultRow = Omit<BatchResultRecord, 'expiresAt' | 'finishedAt'> & {
  expiresAt: Date | null
  finishedAt: Date | null
}

/** Device by device, in the order of their turns; `after` is the position a previous page ended with. */
export async function listBatchResults(
  db: Queryable,
  id: string,
  page: { limit: number; after: number | undefined; status: BatchDeviceStatus | undefined },
): Promise<BatchResultRecord[]> {
  const { rows } = await db.query<ResultRow>(
    `SELECT d.position, d.device_id AS "deviceId", (SELECT name FROM device WHERE id = d.device_id) AS "deviceName",
       c.id AS "commandId", ${DEVICE_STATUS} AS status, ${DEVICE_ERROR} AS error,
       CASE WHEN c.status = 'queued' THEN c.expires_at - ${AHEAD} END AS "expiresAt", c.finished_at AS "finishedAt"
     FROM command_batch b JOIN command_batch_device d ON d.batch_id = b.id LEFT JOIN ${COMMAND_OF_DEVICE} ON true
     WHERE b.id = $1 AND d.position > $2 AND ($3::text IS NULL OR ${DEVICE_STATUS} = $3)
     ORDER BY d.position LIMIT $4`,
    [id, page.after ?? -1, page.status ?? null, page.limit],
  )
  return rows.map((row) => ({
    ...row,
    expiresAt: row.expiresAt?.toISOString() ?? null,
    finishedAt: row.finishedAt?.toISOString() ?? null,
  }))
}

/** `over`: every command of it was made and sent before; `repeated`: it was stopped before; `busy`: try again. */
export type StopOutcome = 'stopped' | 'repeated' | 'over' | 'missing' | 'busy'

/**
 * From here on no command of the batch is made: a turn under way holds the row, so this waits for its end, though not
 * for long: it occupies a connection. A runner cancels the queued ones.
 */
export async function stopCommandBatch(pool: Pool, id: string): Promise<StopOutcome> {
  try {
    return await inTransaction(pool, (db) => stopHeld(db, id))
  } catch (error) {
    if (sqlState(error) === LOCK_NOT_AVAILABLE) return 'busy'
    throw error
  }
}

async function stopHeld(db: Queryable, id: string): Promise<StopOutcome> {
  await db.query(`SET LOCAL lock_timeout = ${limits.commandBatches.stopWaitMs}`)
  const { rows } = await db.query<{ isStopped: boolean }>(
    `SELECT stopped_at IS NOT NULL AS "isStopped" FROM command_batch WHERE id = $1 FOR UPDATE`,
    [id],
  )
  if (!rows[0]) return 'missing'
  if (rows[0].isStopped) return 'repeated'
  // A statement of its own, begun after the wait: it sees what the last turn made.
  const { rowCount } = await db.query(
    `UPDATE command_batch b SET stopped_at = now(), is_open = true
     WHERE id = $1 AND (finished_at IS NULL OR EXISTS (
       SELECT FROM command_batch_device d JOIN ${COMMAND_OF_DEVICE} ON c.status = 'queued'
       WHERE d.batch_id = b.id))`,
    [id],
  )
  return rowCount === 1 ? 'stopped' : 'over'
}
