import { limits } from '../limits.ts'
import type { Queryable } from './pool.ts'

/** The same problem of one device and address, gathered over a while. Texts must hold no U+0000. */
export interface GatheredProblem {
  code: string
  /** What the client said it is: a user name, known or not. */
  deviceId: string | null
  address: string | null
  clientId: string | null
  detail: string
  limit: ProblemLimit | null
  count: number
  firstAt: Date
  lastAt: Date
}

export interface ProblemLimit {
  name: string
  /** What was met. */
  value: number
  allowed: number
}

/**
 * Notes problems, no two of them with the same device, address and code. One that is known from the last ten minutes
 * counts up and keeps the newest detail.
 */
export async function recordProblems(db: Queryable, problems: GatheredProblem[]): Promise<void> {
  const columns = [
    problems.map(({ deviceId }) => deviceId ?? ''),
    problems.map(({ address }) => address ?? ''),
    problems.map(({ clientId }) => clientId),
    problems.map(({ code }) => code),
    problems.map(({ detail }) => detail),
    problems.map(({ limit }) => limit?.name ?? null),
    problems.map(({ limit }) => limit?.value ?? null),
    problems.map(({ limit }) => limit?.allowed ?? null),
    problems.map(({ count }) => count),
    problems.map(({ firstAt }) => firstAt),
    problems.map(({ lastAt }) => lastAt),
  ]
  await db.query(RECORD, columns)
}

const COLUMNS = `device_id, address, client_id, code, detail, limit_name, limit_value, limit_allowed, count,
  first_at, last_at`

const RECORD = `
  WITH given AS (
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::float8[],
      $8::float8[], $9::bigint[], $10::timestamptz[], $11::timestamptz[]) WITH ORDINALITY AS g (${COLUMNS}, n)
  ), same AS (
    SELECT DISTINCT ON (g.n) g.n, p.id FROM given g JOIN connection_problem p USING (device_id, address, code)
    WHERE p.last_at > g.first_at - interval '${limits.problems.sameWithinMinutes} minutes'
    ORDER BY g.n, p.last_at DESC
  ), counted AS (
    UPDATE connection_problem p SET count = p.count + g.count, last_at = greatest(p.last_at, g.last_at),
      client_id = g.client_id, detail = g.detail,
      limit_name = g.limit_name, limit_value = g.limit_value, limit_allowed = g.limit_allowed
    FROM given g JOIN same s USING (n) WHERE p.id = s.id
  )
  INSERT INTO connection_problem (${COLUMNS})
  SELECT ${COLUMNS} FROM given WHERE n NOT IN (SELECT n FROM same) ORDER BY n`

export interface ProblemRecord {
  id: number
  code: string
  deviceId: string | null
  /** Whether there is a device of that id. */
  registered: boolean
  address: string | null
  clientId: string | null
  detail: string
  limit: ProblemLimit | null
  count: number
  firstAt: string
  lastAt: string
}

interface ProblemRow {
  id: number
  code: string
  device_id: string
  registered: boolean
  address: string
  client_id: string | null
  detail: string
  limit_name: string | null
  limit_value: number | null
  limit_allowed: number | null
  count: number
  first_at: Date
  last_at: Date
}

/** Newest first, of one device or of all. One that happens again meanwhile moves to the front. */
export async function listProblems(
  db: Queryable,
  page: {
    deviceId?: string | undefined
    limit: number
    /** What a previous page ended with. */
    before?: { lastAt: string; id: number } | undefined
  },
): Promise<ProblemRecord[]> {
  const { rows } = await db.query<ProblemRow>(
    `SELECT id, ${COLUMNS}, EXISTS (SELECT FROM device d WHERE d.id = p.device_id) AS registered
     FROM connection_problem p
     WHERE ($1::text IS NULL OR device_id = $1)
       AND ($2::timestamptz IS NULL OR (last_at, id) < ($2, $3::bigint))
       AND last_at > now() - interval '${limits.problems.keptDays} days'
     ORDER BY last_at DESC, id DESC LIMIT $4`,
    [page.deviceId ?? null, page.before?.lastAt ?? null, page.before?.id ?? null, page.limit],
  )
  return rows.map(toProblem)
}

/** Keeps the newest of each device, fewer than so many of ids that nobody registered, and nothing old. */
export async function pruneProblems(db: Queryable): Promise<void> {
  const { perDeviceMax, strangersMax, keptDays } = limits.problems
  await db.query(
    `DELETE FROM connection_problem WHERE id IN (
       SELECT id FROM (
         SELECT p.id, p.device_id, p.last_at, d.id IS NULL AS is_stranger,
           row_number() OVER (PARTITION BY p.device_id ORDER BY p.last_at DESC, p.id DESC) AS nth,
           row_number() OVER (PARTITION BY d.id IS NULL ORDER BY p.last_at DESC, p.id DESC) AS nth_alike
         FROM connection_problem p LEFT JOIN device d ON d.id = p.device_id
       ) AS ranked
       WHERE (nth > $1 AND device_id <> '') OR (is_stranger AND nth_alike > $2)
         OR last_at < now() - $3 * interval '1 day')`,
    [perDeviceMax, strangersMax, keptDays],
  )
}

function toProblem(row: ProblemRow): ProblemRecord {
  const { limit_name: name, limit_value: value, limit_allowed: allowed } = row
  return {
    id: row.id,
    code: row.code,
    deviceId: row.device_id || null,
    registered: row.registered,
    address: row.address || null,
    clientId: row.client_id,
    detail: row.detail,
    limit: name === null ? null : { name, value: value ?? 0, allowed: allowed ?? 0 },
    count: row.count,
    firstAt: row.first_at.toISOString(),
    lastAt: row.last_at.toISOString(),
  }
}
