import { limits } from '../limits.ts'
import { FOREIGN_KEY_VIOLATION, sqlState } from './errors.ts'
import type { Queryable } from './pool.ts'

/**
 * A command's row as everybody sees it. Status moves forward only:
 * queued → sent → delivered → accepted → succeeded | failed | rejected, or expired, timed_out, cancelled.
 * Every transition is one UPDATE … WHERE status IN (…) in this file, with its event in the same statement, so two
 * processes that race cannot both win.
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

const iso = (column: string) =>
  `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS "${camel(column)}"`
const camel = (column: string) => column.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())

const COLUMNS = `id, device_id AS "deviceId", name, params, status, ttl_ms AS "ttlMs", created_by AS "createdBy",
  ${iso('created_at')}, ${iso('expires_at')}, ${iso('sent_at')}, ${iso('delivered_at')}, ${iso('accepted_at')},
  ${iso('reply_due_at')}, ${iso('finished_at')}, progress, result, error`

export type InsertOutcome = 'created' | 'repeated' | 'conflict' | 'no_device' | 'queue_full'

/**
 * Queues a command once: the same id or idempotency key again answers the first record (`repeated`), or `conflict`
 * when it asks for something else.
 */
export async function insertCommand(
  db: Queryable,
  command: NewCommand,
): Promise<{ outcome: InsertOutcome; command?: CommandRecord }> {
  const repeated = await findRepeated(db, command)
  if (repeated) return repeated
  try {
    const { rows } = await db.query<CommandRecord>(
      `WITH waiting AS (
         SELECT count(*) AS n FROM command WHERE device_id = $2 AND finished_at IS NULL
       ), created AS (
         INSERT INTO command (id, device_id, name, params, status, ttl_ms, created_by, idempotency_key, expires_at)
         SELECT $1, $2, $3, $4, 'queued', $5::int, $6, $7, now() + $5::int * interval '1 millisecond'
         FROM waiting WHERE n < $8
         ON CONFLICT DO NOTHING
         RETURNING *
       ), event AS (
         INSERT INTO command_event (command_id, status) SELECT id, status FROM created
       )
       SELECT ${COLUMNS} FROM created`,
      [
        command.id,
        command.deviceId,
        command.name,
        JSON.stringify(command.params ?? {}),
        command.ttlMs,
        command.createdBy,
        command.idempotencyKey ?? null,
        limits.commands.queuedPerDeviceMax,
      ],
    )
    if (rows[0]) return { outcome: 'created', command: rows[0] }
  } catch (error) {
    if (sqlState(error) === FOREIGN_KEY_VIOLATION) return { outcome: 'no_device' }
    throw error
  }
  // Nothing inserted: the same command arrived twice at once, or the queue is full.
  return (await findRepeated(db, command)) ?? { outcome: 'queue_full' }
}

async function findRepeated(
  db: Queryable,
  command: NewCommand,
): Promise<{ outcome: InsertOutcome; command: CommandRecord } | undefined> {
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
  return {
    outcome: same && record.createdBy === command.createdBy ? 'repeated' : 'conflict',
    command: record,
  }
}

export async function getCommand(db: Queryable, id: string): Promise<CommandRecord | undefined> {
  const { rows } = await db.query<CommandRecord>(`SELECT ${COLUMNS} FROM command WHERE id = $1`, [id])
  return rows[0]
}

/** Newest first; `before` is the last item of the page before. */
export async function listCommands(
  db: Queryable,
  deviceId: string,
  page: { limit: number; before?: { createdAt: string; id: string } },
): Promise<CommandRecord[]> {
  const { rows } = await db.query<CommandRecord>(
    `SELECT ${COLUMNS} FROM command
     WHERE device_id = $1 AND ($3::timestamptz IS NULL OR (date_trunc('milliseconds', created_at), id) < ($3, $4::uuid))
     ORDER BY date_trunc('milliseconds', created_at) DESC, id DESC LIMIT $2`,
    [deviceId, page.limit, page.before?.createdAt ?? null, page.before?.id ?? null],
  )
  return rows
}

/** What the broker has to send to a device that can hear it now, oldest first. */
export async function listDueCommands(
  db: Queryable,
  deviceId: string,
  limit: number,
): Promise<(CommandRecord & { ttlLeftMs: number })[]> {
  const { rows } = await db.query<CommandRecord & { ttlLeftMs: number }>(
    `SELECT ${COLUMNS}, least(ttl_ms, ceil(extract(epoch FROM expires_at - now()) * 1000)::int) AS "ttlLeftMs" FROM command c
     WHERE device_id = $1 AND status IN ('queued', 'sent') AND expires_at > now()
     ORDER BY c.created_at, c.id LIMIT $2`,
    [deviceId, limit],
  )
  return rows
}

/** Of the given devices, those with something to send: queued, or sent and never acknowledged. */
export async function listDevicesWithDueCommands(db: Queryable, deviceIds: string[]): Promise<string[]> {
  const { rows } = await db.query<{ device_id: string }>(
    `SELECT DISTINCT device_id FROM command
     WHERE finished_at IS NULL AND status IN ('queued', 'sent') AND expires_at > now() AND device_id = ANY($1)`,
    [deviceIds],
  )
  return rows.map((row) => row.device_id)
}

interface Transition {
  from: CommandStatus[]
  /** The status after it, as SQL. */
  status: string
  /** Assignments besides the status; `$3` is `detail` as JSON. */
  set: string
  where?: string
}

const REPLY_DUE = `reply_due_at = now() + ttl_ms * interval '1 millisecond'`
const REPLY_MAY_COME: CommandStatus[] = ['sent', 'delivered', 'accepted']
const FINISH_BADLY = `finished_at = now(), result = $3::jsonb->'result', error = $3::jsonb->>'error'`

const transitions = {
  sent: { from: ['queued'], status: `'sent'`, set: 'sent_at = now()', where: 'expires_at > now()' },
  // Delivered is the device's PUBACK, nothing less. A reply may overtake it; then it only adds its time.
  delivered: {
    from: ['sent', 'accepted', 'succeeded', 'failed', 'rejected'],
    status: `CASE status WHEN 'sent' THEN 'delivered' ELSE status END`,
    set: `delivered_at = now(), reply_due_at = CASE status WHEN 'sent'
      THEN now() + ttl_ms * interval '1 millisecond' ELSE reply_due_at END`,
    where: 'delivered_at IS NULL',
  },
  accepted: {
    from: ['sent', 'delivered'],
    status: `'accepted'`,
    set: `accepted_at = now(), ${REPLY_DUE}`,
  },
  progress: {
    from: REPLY_MAY_COME,
    status: `'accepted'`,
    set: `accepted_at = coalesce(accepted_at, now()), progress = $3::jsonb, ${REPLY_DUE}`,
  },
  succeeded: { from: REPLY_MAY_COME, status: `'succeeded'`, set: 'finished_at = now(), result = $3::jsonb' },
  failed: { from: REPLY_MAY_COME, status: `'failed'`, set: FINISH_BADLY },
  rejected: { from: REPLY_MAY_COME, status: `'rejected'`, set: FINISH_BADLY },
  cancelled: { from: ['queued'], status: `'cancelled'`, set: 'finished_at = now()' },
} satisfies Record<string, Transition>

export type TransitionName = keyof typeof transitions

/**
 * Makes one transition if the command may make it now. `detail` is the progress, result, or `{result, error}`.
 * @returns the record after it, or undefined when the command is somewhere else already (late, double, foreign)
 */
export async function transitionCommand(
  db: Queryable,
  change: { id: string; deviceId: string; to: TransitionName; detail?: unknown },
): Promise<CommandRecord | undefined> {
  const { from, status, set, where }: Transition = transitions[change.to]
  const { rows } = await db.query<CommandRecord>(
    `WITH changed AS (
       UPDATE command SET status = ${status}, ${set}
       WHERE id = $1 AND device_id = $2 AND status = ANY($4) ${where ? `AND ${where}` : ''}
       RETURNING *
     ), event AS (
       INSERT INTO command_event (command_id, status, detail) SELECT id, $5, $3::jsonb FROM changed
     )
     SELECT ${COLUMNS} FROM changed`,
    [
      change.id,
      change.deviceId,
      change.detail === undefined ? null : JSON.stringify(change.detail),
      from,
      change.to,
    ],
  )
  return rows[0]
}

/** @returns the cancelled record, or undefined when the command was no longer queued */
export async function cancelCommand(db: Queryable, id: string): Promise<CommandRecord | undefined> {
  const command = await getCommand(db, id)
  if (!command) return undefined
  return transitionCommand(db, { id, deviceId: command.deviceId, to: 'cancelled' })
}

/**
 * Ends what has run out of time: not delivered within its ttl → expired; delivered and no reply within another ttl →
 * timed_out. A command that was sent but never acknowledged counts as not delivered.
 */
export async function finishOverdueCommands(db: Queryable): Promise<CommandRecord[]> {
  const { rows } = await db.query<CommandRecord>(
    `WITH changed AS (
       UPDATE command SET finished_at = now(),
         status = CASE WHEN status IN ('queued', 'sent') THEN 'expired' ELSE 'timed_out' END
       WHERE finished_at IS NULL AND (
         (status IN ('queued', 'sent') AND expires_at <= now()) OR
         (status IN ('delivered', 'accepted') AND reply_due_at <= now()))
       RETURNING *
     ), event AS (
       INSERT INTO command_event (command_id, status) SELECT id, status FROM changed
     )
     SELECT ${COLUMNS} FROM changed`,
  )
  return rows
}
