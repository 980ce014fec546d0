import { limits } from '../limits.ts'
import { commandTime } from './command-clock.ts'
import { COLUMNS, type CommandRecord } from './commands.ts'
import type { Queryable } from './pool.ts'

/*
 * What the broker has to do now. Times are milliseconds of the commands' own time (command-clock.ts), and come from
 * the broker's stopwatch: the wall clock may have been set just now.
 */

export type DueCommand = CommandRecord & { expiresMs: number }

/** What a device that can hear it now is to be sent, in the order it was made. */
export async function listDueCommands(
  db: Queryable,
  deviceId: string,
  { limit, nowMs }: { limit: number; nowMs: number },
): Promise<DueCommand[]> {
  const { rows } = await db.query<DueCommand>({
    name: 'list-due-commands',
    text: `SELECT ${COLUMNS}, extract(epoch FROM expires_at)::double precision * 1000 AS "expiresMs" FROM command
     WHERE device_id = $1 AND finished_at IS NULL AND status IN ('queued', 'sent')
       AND expires_at > ${commandTime('$3')}
     ORDER BY seq LIMIT $2`,
    values: [deviceId, limit, nowMs],
  })
  return rows
}

/** Of the given devices, those with something to send: queued, or sent and never acknowledged. */
export async function listDevicesWithDueCommands(
  db: Queryable,
  deviceIds: string[],
  nowMs: number,
): Promise<string[]> {
  const { rows } = await db.query<{ device_id: string }>(
    // LIMIT keeps the planner from reading every open command there is, once the list is long.
    `SELECT asked.device_id FROM unnest($1::text[]) AS asked (device_id), LATERAL (
       SELECT FROM command c WHERE c.device_id = asked.device_id AND finished_at IS NULL
         AND status IN ('queued', 'sent') AND expires_at > ${commandTime('$2')} LIMIT 1) due`,
    [deviceIds, nowMs],
  )
  return rows.map((row) => row.device_id)
}

/** Those of the given commands that are not over. */
export async function listOpenCommands(db: Queryable, ids: string[]): Promise<Set<string>> {
  const { rows } = await db.query<{ id: string }>(
    'SELECT id FROM command WHERE id = ANY($1::uuid[]) AND finished_at IS NULL',
    [ids],
  )
  return new Set(rows.map(({ id }) => id))
}

/** As the index on deadlines has it. */
const DEADLINE = `(CASE WHEN status IN ('queued', 'sent') THEN expires_at ELSE reply_due_at END)`

/**
 * Ends what has run out of time: not delivered within its ttl → expired; delivered and no reply within another ttl →
 * timed_out. A command that was sent but never acknowledged counts as not delivered. At most `overdueMax` at a time;
 * what another process is changing right now is left for the next time.
 * @param brokerId who asks. The commands of a device that is connected to another broker are that one's to end: a reply
 *   it acknowledged may still wait on its disk.
 */
export async function finishOverdueCommands(
  db: Queryable,
  brokerId: string,
  nowMs: number,
): Promise<CommandRecord[]> {
  const { rows } = await db.query<CommandRecord>(
    `WITH overdue AS (
       SELECT id AS overdue_id FROM command
       WHERE finished_at IS NULL AND ${DEADLINE} <= ${commandTime('$1')} AND $3 = coalesce((
         SELECT CASE WHEN disconnected_at IS NULL THEN broker_id END FROM session
         WHERE session.device_id = command.device_id ORDER BY session.id DESC LIMIT 1), $3)
       ORDER BY ${DEADLINE} LIMIT $2 FOR UPDATE SKIP LOCKED
     ), changed AS (
       UPDATE command SET finished_at = clock_timestamp(),
         status = CASE WHEN status IN ('queued', 'sent') THEN 'expired' ELSE 'timed_out' END
       FROM overdue WHERE id = overdue_id
       RETURNING command.*
     ), event AS (
       INSERT INTO command_event (command_id, status) SELECT id, status FROM changed
     )
     SELECT ${COLUMNS} FROM changed`,
    [nowMs, limits.commands.overdueMax, brokerId],
  )
  return rows
}
