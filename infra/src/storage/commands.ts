import { limits } from '../limits.ts'
import { AHEAD } from './command-clock.ts'
import { sqlState } from './errors.ts'
import { inTransaction, type Pool, type Queryable } from './pool.ts'

/**
 * A command's row as everybody sees it. Status moves forward only:
 * queued → sent → delivered → accepted → succeeded | failed | rejected, or expired, timed_out, cancelled.
 */
export interface CommandRecord {
  id: string
  deviceId: string
  name: string
  params: unknown
  status: CommandStatus
  ttlMs: number
  createdBy: string
  createdAt: string
  expiresAt: string
  sentAt: string | null
  deliveredAt: string | null
  acceptedAt: string | null
  replyDueAt: string | null
  finishedAt: string | null
  progress: unknown
  result: unknown
  error: string | null
}

export type CommandStatus =
  | 'queued'
  | 'sent'
  | 'delivered'
  | 'accepted'
  | 'succeeded'
  | 'failed'
  | 'rejected'
  | 'expired'
  | 'timed_out'
  | 'cancelled'

export interface NewCommand {
  id: string
  deviceId: string
  name: string
  params: unknown
  ttlMs: number
  createdBy: string
  idempotencyKey?: string
}

const asIso = (instant: string) => `to_char(${instant} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`
const iso = (column: string) => `${asIso(column)} AS "${camel(column)}"`
const camel = (column: string) => column.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())

/** Deadlines are kept in the commands' own time and shown in the time of walls. */
const EXPIRES = `CASE WHEN finished_at IS NULL THEN expires_at - ${AHEAD}
  ELSE created_at + ttl_ms * interval '1 millisecond' END`

/** Of `command`, or of what an UPDATE of it returned. */
export const COLUMNS = `id, device_id AS "deviceId", name, params, status, ttl_ms AS "ttlMs",
  created_by AS "createdBy", ${iso('created_at')}, ${asIso(`(${EXPIRES})`)} AS "expiresAt", ${iso('sent_at')},
  ${iso('delivered_at')}, ${iso('accepted_at')}, ${asIso(`(reply_due_at - ${AHEAD})`)} AS "replyDueAt",
  ${iso('finished_at')}, progress, result, error`

export type InsertOutcome = 'created' | 'repeated' | 'conflict' | 'no_device' | 'queue_full'

/** What may forbid a command to a device. */
export interface CommandedDevice {
  type: string | null
  isDisabled: boolean
}

/** @throws what forbids the command; to be thrown on to whoever asked */
export type CommandCheck = (device: CommandedDevice, db: Queryable) => Promise<void>

/**
 * Queues a command once: the same id or idempotency key again answers the first record (`repeated`), whatever has
 * become of the device since, or `conflict` when it asks for something else. Commands for one device are inserted one
 * after the other, so the bound of its queue is exact, and `seq` is the order in which they can be seen.
 * @throws what `check` throws of a new command
 */
export async function insertCommand(
  pool: Pool,
  command: NewCommand,
  check: CommandCheck = async () => {},
): Promise<{ outcome: InsertOutcome; command?: CommandRecord }> {
  return inTransaction(pool, async (connection) => {
    const device = await holdDevice(connection, command.deviceId)
    if (!device) return (await findRepeated(connection, command)) ?? { outcome: 'no_device' }
    try {
      await check(device, connection)
    } catch (refusal) {
      const repeated = sqlState(refusal) === undefined && (await findRepeated(connection, command))
      if (repeated) return repeated
      throw refusal
    }
    const created = await insertOne(connection, command)
    if (created) return { outcome: 'created', command: created }
    // Nothing inserted: it is there already, or the queue is full.
    return (await findRepeated(connection, command)) ?? { outcome: 'queue_full' }
  })
}

async function holdDevice(db: Queryable, id: string): Promise<CommandedDevice | undefined> {
  const { rows } = await db.query<CommandedDevice>({
    name: 'hold-device',
    text: `SELECT type, disabled_at IS NOT NULL AS "isDisabled" FROM device WHERE id = $1 FOR NO KEY UPDATE`,
    values: [id],
  })
  return rows[0]
}

async function insertOne(db: Queryable, command: NewCommand): Promise<CommandRecord | undefined> {
  const { rows } = await db.query<CommandRecord>({
    name: 'insert-command',
    text: `WITH waiting AS (
       SELECT count(*) AS n, clock_timestamp() AS wall FROM command WHERE device_id = $2 AND finished_at IS NULL
     ), created AS (
       INSERT INTO command
         (id, device_id, name, params, status, ttl_ms, created_by, idempotency_key, created_at, expires_at)
       SELECT $1, $2, $3, $4, 'queued', $5::int, $6, $7, wall, wall + ${AHEAD} + $5::int * interval '1 millisecond'
       FROM waiting WHERE n < $8
       ON CONFLICT DO NOTHING
       RETURNING *
     ), event AS (
       INSERT INTO command_event (command_id, status, at) SELECT id, status, created_at FROM created
     )
     SELECT ${COLUMNS} FROM created`,
    values: [
      command.id,
      command.deviceId,
      command.name,
      JSON.stringify(command.params ?? {}),
      command.ttlMs,
      command.createdBy,
      command.idempotencyKey ?? null,
      limits.commands.queuedPerDeviceMax,
    ],
  })
  return rows[0]
}

/** Whether its id or key was used before: for the same thing, or for another. */
async function findRepeated(
  db: Queryable,
  command: NewCommand,
): Promise<{ outcome: 'repeated' | 'conflict'; command: CommandRecord } | undefined> {
  const { rows } = await db.query<CommandRecord & { same: boolean }>(
    `SELECT ${COLUMNS}, (device_id = $4 AND name = $5 AND params = $6::jsonb AND ttl_ms = $7) AS same
     FROM command WHERE id = $1 OR (created_by = $2 AND idempotency_key = $3) LIMIT 1`,
    [
      command.id,
      command.createdBy,
      command.idempotencyKey ?? null,
      command.deviceId,
      command.name,
      JSON.stringify(command.params ?? {}),
      command.ttlMs,
    ],
  )
  if (!rows[0]) return undefined
  const { same, ...record } = rows[0]
  // Somebody else's command is not shown to a caller who guessed its id.
  const outcome = same && record.createdBy === command.createdBy ? 'repeated' : 'conflict'
  return { outcome, command: record }
}

export async function getCommand(db: Queryable, id: string): Promise<CommandRecord | undefined> {
  const text = `SELECT ${COLUMNS} FROM command WHERE id = $1`
  const { rows } = await db.query<CommandRecord>({ name: 'get-command', text, values: [id] })
  return rows[0]
}

/** Newest first; `beforeSeq` is the last item's of the page before, `created` when they were asked for. */
export async function listCommands(
  db: Queryable,
  deviceId: string,
  page: { limit: number; beforeSeq?: number; created?: { from: number; to: number } },
): Promise<(CommandRecord & { seq: number })[]> {
  const { limit, beforeSeq = null, created } = page
  const { rows } = await db.query<CommandRecord & { seq: number }>(
    `SELECT seq, ${COLUMNS} FROM command
     WHERE device_id = $1 AND ($3::bigint IS NULL OR seq < $3)
       AND ($4::bigint IS NULL OR created_at >= to_timestamp($4::bigint / 1000.0))
       AND ($5::bigint IS NULL OR created_at < to_timestamp($5::bigint / 1000.0))
     ORDER BY seq DESC LIMIT $2`,
    [deviceId, limit, beforeSeq, created?.from ?? null, created?.to ?? null],
  )
  return rows
}

/** A step of a command, or something that was heard of it: `progress`, or `late_reply`, which changed nothing. */
export interface CommandEventRecord {
  status: CommandStatus | 'progress' | 'late_reply'
  at: string
  detail: unknown
}

/** In the order they happened. */
export async function listCommandEvents(db: Queryable, commandId: string): Promise<CommandEventRecord[]> {
  const { rows } = await db.query<CommandEventRecord>(
    `SELECT status, ${iso('at')}, detail FROM command_event WHERE command_id = $1 ORDER BY seq`,
    [commandId],
  )
  return rows
}
