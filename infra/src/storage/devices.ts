import { hashSecret, newSecret } from '../secrets.ts'
import { type DeviceSelection, FROM_SELECTED_DEVICES, selectionValues } from './device-selection.ts'
import { sqlState, UNIQUE_VIOLATION } from './errors.ts'
import { type Connection, inTransaction, type Pool, type Queryable } from './pool.ts'
import { PRESENCE_JOIN, type PresenceColumns, type PresenceRecord, toPresence } from './presence.ts'

export interface DeviceRecord {
  id: string
  name: string
  type: string | null
  tags: string[]
  createdAt: string
  disabledAt: string | null
  presence: PresenceRecord
}

interface DeviceRow extends PresenceColumns {
  id: string
  name: string
  type: string | null
  tags: string[]
  created_at: Date
  disabled_at: Date | null
}

const SELECT_COLUMNS = `
  SELECT d.id, d.name, d.type, d.tags, d.created_at, d.disabled_at, p.status, p.since, p.reason, a.seen_at`
const SELECT_DEVICE = `${SELECT_COLUMNS} FROM device d ${PRESENCE_JOIN}`

/** A device's secret can be rotated without a gap: the old and the new one work side by side. */
export const ACTIVE_CREDENTIALS_MAX = 2

export async function getDevice(db: Queryable, id: string): Promise<DeviceRecord | undefined> {
  const { rows } = await db.query<DeviceRow>(`${SELECT_DEVICE} WHERE d.id = $1`, [id])
  return rows[0] && toDevice(rows[0])
}

export interface DeviceFilter extends DeviceSelection {
  /** The id a previous page ended with. */
  after?: string | undefined
  limit: number
}

/** By id. */
export async function listDevices(db: Queryable, filter: DeviceFilter): Promise<DeviceRecord[]> {
  const { rows } = await db.query<DeviceRow>(
    `${SELECT_COLUMNS} ${FROM_SELECTED_DEVICES} AND ($6::text IS NULL OR d.id > $6) ORDER BY d.id LIMIT $7`,
    [...selectionValues(filter), filter.after ?? null, filter.limit],
  )
  return rows.map(toDevice)
}

/** Which of `ids` exist. */
export async function existingDevices(db: Queryable, ids: string[]): Promise<Set<string>> {
  const { rows } = await db.query<{ id: string }>('SELECT id FROM device WHERE id = ANY($1)', [ids])
  return new Set(rows.map(({ id }) => id))
}

/** Registers a device with its first secret, whose only copy is the answer. Undefined when the id is taken. */
export async function createDevice(
  pool: Pool,
  device: { id: string; name: string; type: string | null; tags: string[] },
): Promise<(DeviceRecord & { secret: string }) | undefined> {
  try {
    return await inTransaction(pool, async (db) => {
      await db.query('INSERT INTO device (id, name, type, tags) VALUES ($1, $2, $3, $4)', [
        device.id,
        device.name,
        device.type,
        device.tags,
      ])
      const { secret } = await insertCredential(db, device.id)
      return { ...((await getDevice(db, device.id)) as DeviceRecord), secret }
    })
  } catch (error) {
    if (sqlState(error) === UNIQUE_VIOLATION) return undefined
    throw error
  }
}

export interface DevicePatch {
  name?: string
  type?: string | null
  tags?: string[]
  disabled?: boolean
}

/** Changes only what is given. Undefined when there is no such device. */
export async function updateDevice(
  db: Queryable,
  id: string,
  patch: DevicePatch,
): Promise<DeviceRecord | undefined> {
  await db.query(
    `UPDATE device SET
       name = coalesce($2, name),
       type = CASE WHEN $3 THEN $4 ELSE type END,
       tags = coalesce($5, tags),
       disabled_at = CASE $6::boolean WHEN true THEN coalesce(disabled_at, now()) WHEN false THEN NULL
         ELSE disabled_at END
     WHERE id = $1`,
    [id, patch.name ?? null, 'type' in patch, patch.type ?? null, patch.tags ?? null, patch.disabled ?? null],
  )
  return getDevice(db, id)
}

/** A secret of its own, the enrolment key it came with, or a client certificate. */
export type CredentialKind = 'secret' | 'enrolment' | 'certificate'

export interface CredentialRecord {
  id: string
  kind: CredentialKind
  /** SHA-256 of a certificate, in hexadecimal. */
  fingerprint: string | null
  createdAt: string
  revokedAt: string | null
}

interface CredentialRow {
  id: string
  kind: CredentialKind
  fingerprint: string | null
  created_at: Date
  revoked_at: Date | null
}

/** Hashes of secrets stay here. */
const CREDENTIAL_COLUMNS = `id, kind, CASE kind WHEN 'certificate' THEN encode(hash, 'hex') END AS fingerprint,
  created_at, revoked_at`

/** Newest first, revoked ones included. */
export async function listCredentials(db: Queryable, deviceId: string): Promise<CredentialRecord[]> {
  const { rows } = await db.query<CredentialRow>(
    `SELECT ${CREDENTIAL_COLUMNS} FROM device_credential WHERE device_id = $1
     ORDER BY created_at DESC, id LIMIT 200`,
    [deviceId],
  )
  return rows.map(toCredential)
}

export type CredentialOutcome = (CredentialRecord & { secret: string }) | 'no_device' | 'too_many'

/**
 * A second secret for a device; certificates do not count. The device's row is locked so that two at once cannot make
 * three.
 */
export async function createCredential(pool: Pool, deviceId: string): Promise<CredentialOutcome> {
  return inTransaction(pool, async (db) => {
    const device = await db.query('SELECT 1 FROM device WHERE id = $1 FOR UPDATE', [deviceId])
    if (device.rowCount === 0) return 'no_device'
    const { rows } = await db.query<{ n: number }>(
      `SELECT count(*)::int AS n FROM device_credential
       WHERE device_id = $1 AND revoked_at IS NULL AND kind <> 'certificate'`,
      [deviceId],
    )
    if ((rows[0]?.n ?? 0) >= ACTIVE_CREDENTIALS_MAX) return 'too_many'
    return insertCredential(db, deviceId)
  })
}

/** False when there is no such credential or it was revoked before. */
export async function revokeCredential(
  db: Queryable,
  credential: { deviceId: string; id: string },
): Promise<boolean> {
  const { rowCount } = await db.query(
    'UPDATE device_credential SET revoked_at = now() WHERE device_id = $1 AND id = $2 AND revoked_at IS NULL',
    [credential.deviceId, credential.id],
  )
  return rowCount === 1
}

async function insertCredential(
  db: Connection,
  deviceId: string,
): Promise<CredentialRecord & { secret: string }> {
  const secret = newSecret()
  const { rows } = await db.query<CredentialRow>(
    `INSERT INTO device_credential (device_id, hash) VALUES ($1, $2) RETURNING ${CREDENTIAL_COLUMNS}`,
    [deviceId, hashSecret(secret)],
  )
  return { ...toCredential(rows[0] as CredentialRow), secret }
}

function toCredential(row: CredentialRow): CredentialRecord {
  return {
    id: row.id,
    kind: row.kind,
    fingerprint: row.fingerprint,
    createdAt: row.created_at.toISOString(),
    revokedAt: row.revoked_at?.toISOString() ?? null,
  }
}

function toDevice(row: DeviceRow): DeviceRecord {
  return {
    id: row.id,
    name: row.name,
    type: row.type,
    tags: row.tags,
    createdAt: row.created_at.toISOString(),
    disabledAt: row.disabled_at?.toISOString() ?? null,
    presence: toPresence(row),
  }
}
