import { limits } from '../limits.ts'
import { AHEAD, commandTime } from './command-clock.ts'
import { COLUMNS, type CommandRecord, type CommandStatus, getCommand } from './commands.ts'
import type { Queryable } from './pool.ts'

/*
 * Every transition is one UPDATE … WHERE status IN (…), with its event in the same statement, so two processes that
 * race cannot both win.
 */

interface Transition {
  from: CommandStatus[]
  /** The status after it, as SQL. */
  status: string
  /** Assignments besides the status; `$3` is `detail` as JSON, `clock.now` the time of commands. */
  set: string
  where?: string
}

const REPLY_DUE = `reply_due_at = clock.now + ttl_ms * interval '1 millisecond'`
const REPLY_MAY_COME: CommandStatus[] = ['sent', 'delivered', 'accepted']
const FINISH_BADLY = `finished_at = clock_timestamp(), result = $3::jsonb->'result', error = $3::jsonb->>'error'`

const transitions = {
  sent: {
    from: ['queued'],
    status: `'sent'`,
    set: 'sent_at = clock_timestamp()',
    where: 'expires_at > clock.now',
  },
  // Delivered is the device's PUBACK, nothing less. A reply may overtake it; then it only adds its time.
  delivered: {
    from: ['sent', 'accepted', 'succeeded', 'failed', 'rejected'],
    status: `CASE status WHEN 'sent' THEN 'delivered' ELSE status END`,
    set: `delivered_at = clock_timestamp(), reply_due_at = CASE status WHEN 'sent'
      THEN clock.now + ttl_ms * interval '1 millisecond' ELSE reply_due_at END`,
    where: 'delivered_at IS NULL',
  },
  accepted: {
    from: ['sent', 'delivered'],
    status: `'accepted'`,
    set: `accepted_at = clock_timestamp(), ${REPLY_DUE}`,
  },
  progress: {
    from: REPLY_MAY_COME,
    status: `'accepted'`,
    set: `accepted_at = coalesce(accepted_at, clock_timestamp()), progress = $3::jsonb, ${REPLY_DUE}`,
  },
  succeeded: {
    from: REPLY_MAY_COME,
    status: `'succeeded'`,
    set: 'finished_at = clock_timestamp(), result = $3::jsonb',
  },
  failed: { from: REPLY_MAY_COME, status: `'failed'`, set: FINISH_BADLY },
  rejected: { from: REPLY_MAY_COME, status: `'rejected'`, set: FINISH_BADLY },
  cancelled: { from: ['queued'], status: `'cancelled'`, set: 'finished_at = clock_timestamp()' },
} satisfies Record<string, Transition>

export type TransitionName = keyof typeof transitions

export interface CommandChange {
  id: string
  deviceId: string
  to: TransitionName
  detail?: unknown
  /** It may have been made already: progress that the history has is not noted again. */
  isRepeated?: boolean
}

/**
 * Makes one transition if the command may make it now. `detail` is the progress, result, or `{result, error}`.
 * Times are taken when the row is held, so those of one command follow each other.
 * @param nowMs the time of commands, from whoever has a stopwatch; none: as the wall clock says
 * @returns the record after it, or undefined when the command is somewhere else already (late, double, foreign)
 */
export async function transitionCommand(
  db: Queryable,
  change: CommandChange,
  nowMs?: number,
): Promise<CommandRecord | undefined> {
  const { from, status, set, where }: Transition = transitions[change.to]
  const { rows } = await db.query<CommandRecord>({
    name: `command-${change.to}`,
    text: `WITH clock AS MATERIALIZED (
       SELECT coalesce(${commandTime('$6')}, clock_timestamp() + ${AHEAD}) AS now
     ), changed AS (
       UPDATE command SET status = ${status}, ${set} FROM clock
       WHERE id = $1 AND device_id = $2 AND status = ANY($4) ${where ? `AND ${where}` : ''}
       RETURNING command.*
     ), event AS (
       INSERT INTO command_event (command_id, status, detail) SELECT id, $5, $3::jsonb FROM changed
       WHERE $5 <> 'progress' OR (
         SELECT count(*) < $7 AND count(*) FILTER (WHERE $8 AND detail IS NOT DISTINCT FROM $3::jsonb) = 0
         FROM command_event WHERE command_id = $1 AND status = 'progress')
     )
     SELECT ${COLUMNS} FROM changed`,
    values: [
      change.id,
      change.deviceId,
      change.detail === undefined ? null : JSON.stringify(change.detail),
      from,
      change.to,
      nowMs ?? null,
      limits.commands.progressEventsMax,
      change.isRepeated ?? false,
    ],
  })
  return rows[0]
}

/** @returns the cancelled record, or undefined when the command was no longer queued */
export async function cancelCommand(db: Queryable, id: string): Promise<CommandRecord | undefined> {
  const command = await getCommand(db, id)
  if (!command) return undefined
  return transitionCommand(db, { id, deviceId: command.deviceId, to: 'cancelled' })
}

/**
 * A reply to a command that is over changes nothing, but it is true: what "expired" was carried out after all. The
 * first few are noted, those that only repeat what is known are not.
 */
export async function noteLateReply(
  db: Queryable,
  reply: { id: string; deviceId: string; to: TransitionName; detail?: unknown; words: unknown },
): Promise<void> {
  await db.query(
    `WITH noted AS (
       UPDATE command SET late_replies = late_replies + 1
       WHERE id = $1 AND device_id = $2 AND finished_at IS NOT NULL AND late_replies < $6
         AND NOT EXISTS (SELECT FROM command_event e WHERE e.command_id = $1 AND (
           (e.status = 'late_reply' AND e.detail = $3::jsonb) OR
           (e.status = $4 AND e.detail IS NOT DISTINCT FROM $5::jsonb)))
       RETURNING id
     )
     INSERT INTO command_event (command_id, status, detail) SELECT id, 'late_reply', $3::jsonb FROM noted`,
    [
      reply.id,
      reply.deviceId,
      JSON.stringify(reply.words),
      reply.to,
      reply.detail === undefined ? null : JSON.stringify(reply.detail),
      limits.commands.lateRepliesMax,
    ],
  )
}
