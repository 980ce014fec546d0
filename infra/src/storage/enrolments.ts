import { limits } from '../limits.ts'
import { writeAudit } from './audit.ts'
import { type DeviceRecord, getDevice } from './devices.ts'
import { advisoryLocks } from './locks.ts'
import { type Connection, inTransaction, type Pool, type Queryable } from './pool.ts'

/** An unknown device that connects with the enrolment key as its password. */
export interface EnrolmentRequest {
  deviceId: string
  /** Of the enrolment key: it becomes the device's credential. */
  hash: Buffer
  address: string | null
  clientId: string
  mode: 'approve' | 'open'
}

export type EnrolmentOutcome =
  /** Registered with that credential: it may connect. */
  | 'enrolled'
  | 'waiting'
  /** By a person, within the last 24 hours; or the id was registered meanwhile, with other credentials. */
  | 'rejected'
  /** As many wait as may. */
  | 'full'

/** Rejections that are over, and devices that gave up. */
const OVER = `(rejected_at < now() - interval '${limits.enrolments.rejectedHours} hours'
  OR last_requested_at < now() - interval '${limits.enrolments.waitingDays} days')`

export async function enrol(pool: Pool, request: EnrolmentRequest): Promise<EnrolmentOutcome> {
  return inTransaction(pool, async (db) => {
    const known = await noteAttempt(db, request)
    if (known === 'rejected' || (known === 'waiting' && request.mode === 'approve')) return known
    // One after the other: the same device twice, and the count of those that wait.
    await db.query('SELECT pg_advisory_xact_lock($1)', [advisoryLocks.enrolment])
    await db.query(`DELETE FROM enrolment WHERE ${OVER}`)
    const registered = await isRegistered(db, request)
    if (registered !== undefined) return registered ? 'enrolled' : 'rejected'
    if (request.mode === 'approve') return insertWaiting(db, request)
    await db.query('DELETE FROM enrolment WHERE device_id = $1', [request.deviceId])
    if (!(await registerWith(db, request.deviceId, request.hash))) return 'rejected'
    await writeAudit(db, {
      actor: '-',
      action: 'device.enrol',
      target: request.deviceId,
      detail: { clientId: request.clientId },
      result: 'ok',
      ...(request.address !== null && { address: request.address }),
    })
    return 'enrolled'
  })
}

async function noteAttempt(
  db: Connection,
  { deviceId, hash, address, clientId }: EnrolmentRequest,
): Promise<'waiting' | 'rejected' | undefined> {
  const { rows } = await db.query<{ rejected: boolean }>(
    `UPDATE enrolment SET attempts = least(attempts, 2147483646) + 1, last_requested_at = now(),
       hash = $2, address = $3, client_id = $4
     WHERE device_id = $1 AND NOT coalesce(${OVER}, false) RETURNING rejected_at IS NOT NULL AS rejected`,
    [deviceId, hash, address, clientId],
  )
  return rows[0] && (rows[0].rejected ? 'rejected' : 'waiting')
}

/** Whether the device, if there is one by now, has this credential. */
async function isRegistered(
  db: Connection,
  { deviceId, hash }: EnrolmentRequest,
): Promise<boolean | undefined> {
  const { rows } = await db.query<{ good: boolean }>(
    `SELECT disabled_at IS NULL AND EXISTS (SELECT FROM device_credential c
       WHERE c.device_id = d.id AND c.hash = $2 AND c.kind <> 'certificate' AND c.revoked_at IS NULL) AS good
     FROM device d WHERE id = $1`,
    [deviceId, hash],
  )
  return rows[0]?.good
}

async function insertWaiting(
  db: Connection,
  { deviceId, hash, address, clientId }: EnrolmentRequest,
): Promise<'waiting' | 'full'> {
  const { rowCount } = await db.query(
    `INSERT INTO enrolment (device_id, hash, address, client_id) SELECT $1, $2, $3, $4
     WHERE (SELECT count(*) FROM enrolment WHERE rejected_at IS NULL) < $5
     ON CONFLICT (device_id) DO UPDATE SET last_requested_at = now()`,
    [deviceId, hash, address, clientId, limits.enrolments.waitingMax],
  )
  return rowCount === 1 ? 'waiting' : 'full'
}

/** False when the id is taken. */
async function registerWith(db: Connection, deviceId: string, hash: Buffer): Promise<boolean> {
  const { rowCount } = await db.query(
    'INSERT INTO device (id, name) VALUES ($1, $1) ON CONFLICT DO NOTHING',
    [deviceId],
  )
  if (rowCount === 0) return false
  await db.query(`INSERT INTO device_credential (device_id, hash, kind) VALUES ($1, $2, 'enrolment')`, [
    deviceId,
    hash,
  ])
  return true
}

export interface EnrolmentRecord {
  deviceId: string
  address: string | null
  clientId: string
  requestedAt: string
  lastRequestedAt: string
  attempts: number
}

/** Those that wait, by id. */
export async function listEnrolments(
  db: Queryable,
  /** `after` is the id a previous page ended with. */
  page: { limit: number; after?: string | undefined },
): Promise<EnrolmentRecord[]> {
  const { rows } = await db.query<{
    device_id: string
    address: string | null
    client_id: string
    requested_at: Date
    last_requested_at: Date
    attempts: number
  }>(
    `SELECT device_id, address, client_id, requested_at, last_requested_at, attempts FROM enrolment e
     WHERE rejected_at IS NULL AND NOT coalesce(${OVER}, false)
       AND NOT EXISTS (SELECT FROM device d WHERE d.id = e.device_id)
       AND ($1::text IS NULL OR device_id > $1) ORDER BY device_id LIMIT $2`,
    [page.after ?? null, page.limit],
  )
  return rows.map((row) => ({
    deviceId: row.device_id,
    address: row.address,
    clientId: row.client_id,
    requestedAt: row.requested_at.toISOString(),
    lastRequestedAt: row.last_requested_at.toISOString(),
    attempts: row.attempts,
  }))
}

/** Registers a device that asked, also one that was rejected by mistake. Its key becomes its credential. */
export async function approveEnrolment(
  pool: Pool,
  deviceId: string,
): Promise<DeviceRecord | 'no_enrolment' | 'device_exists'> {
  return inTransaction(pool, async (db) => {
    const { rows } = await db.query<{ hash: Buffer }>(
      'DELETE FROM enrolment WHERE device_id = $1 RETURNING hash',
      [deviceId],
    )
    const asked = rows[0]
    if (!asked) return 'no_enrolment'
    if (!(await registerWith(db, deviceId, asked.hash))) return 'device_exists'
    return (await getDevice(db, deviceId)) as DeviceRecord
  })
}

/** It is refused for 24 hours. False when no such device waits. */
export async function rejectEnrolment(db: Queryable, deviceId: string): Promise<boolean> {
  const { rowCount } = await db.query(
    'UPDATE enrolment SET rejected_at = now() WHERE device_id = $1 AND rejected_at IS NULL',
    [deviceId],
  )
  return rowCount === 1
}
