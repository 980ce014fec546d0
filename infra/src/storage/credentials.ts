import { limits } from '../limits.ts'
import { inTransaction, type Pool, type Queryable } from './pool.ts'

/** What the broker needs to know of a device that wants to connect. */
export interface DeviceCredentials {
  disabled: boolean
  /** SHA-256 of each active secret; certificates are no secrets. */
  hashes: Buffer[]
}

/** Of many devices at once, for a fleet that connects all at the same time; unregistered ones are missing. */
export async function findDeviceCredentials(
  db: Queryable,
  deviceIds: string[],
): Promise<Map<string, DeviceCredentials>> {
  const { rows } = await db.query<DeviceCredentials & { id: string }>({
    name: 'find-device-credentials',
    text: `SELECT d.id, d.disabled_at IS NOT NULL AS disabled,
             coalesce(array_agg(c.hash) FILTER (WHERE c.revoked_at IS NULL AND c.hash IS NOT NULL), '{}') AS hashes
           FROM device d LEFT JOIN device_credential c ON c.device_id = d.id AND c.kind <> 'certificate'
           WHERE d.id = ANY($1) GROUP BY d.id`,
    values: [deviceIds],
  })
  return new Map(rows.map(({ id, disabled, hashes }) => [id, { disabled, hashes }]))
}

/**
 * Of the given connections, those whose credential is no longer good: revoked, or the device is disabled or deleted.
 * `hash` is that of the secret, or the fingerprint of the certificate.
 */
export async function findRevoked(
  db: Queryable,
  inUse: { deviceId: string; hash: Buffer }[],
): Promise<{ deviceId: string; hash: Buffer }[]> {
  const { rows } = await db.query<{ device_id: string; hash: Buffer }>(
    `SELECT used.device_id, used.hash FROM unnest($1::text[], $2::bytea[]) AS used (device_id, hash)
     WHERE NOT EXISTS (
       SELECT 1 FROM device d JOIN device_credential c ON c.device_id = d.id
       WHERE d.id = used.device_id AND d.disabled_at IS NULL AND c.hash = used.hash AND c.revoked_at IS NULL)`,
    [inUse.map(({ deviceId }) => deviceId), inUse.map(({ hash }) => hash)],
  )
  return rows.map(({ device_id, hash }) => ({ deviceId: device_id, hash }))
}

export type CertificateOutcome =
  /** It may connect. */
  | 'known'
  | 'revoked'
  | 'disabled'
  | 'unknown_device'
  /** New, and the device has as many active certificates as it may. */
  | 'full'

export interface PresentedCertificate {
  deviceId: string
  /** SHA-256 of the certificate. */
  fingerprint: Buffer
}

/**
 * A certificate that the client authority signed for this device. The first time it is seen it becomes a credential,
 * so that it can be revoked like a secret.
 */
export async function admitCertificate(
  pool: Pool,
  certificate: PresentedCertificate,
): Promise<CertificateOutcome> {
  const found = await findCertificate(pool, certificate)
  return found === 'new' ? insertCertificate(pool, certificate) : found
}

async function findCertificate(
  db: Queryable,
  { deviceId, fingerprint }: PresentedCertificate,
): Promise<Exclude<CertificateOutcome, 'full'> | 'new'> {
  const { rows } = await db.query<{ disabled: boolean; revoked: boolean | null }>({
    name: 'find-certificate',
    text: `SELECT d.disabled_at IS NOT NULL AS disabled,
             CASE WHEN c.id IS NOT NULL THEN c.revoked_at IS NOT NULL END AS revoked
           FROM device d LEFT JOIN device_credential c
             ON c.device_id = d.id AND c.kind = 'certificate' AND c.hash = $2
           WHERE d.id = $1`,
    values: [deviceId, fingerprint],
  })
  const found = rows[0]
  if (!found) return 'unknown_device'
  if (found.disabled) return 'disabled'
  if (found.revoked === null) return 'new'
  return found.revoked ? 'revoked' : 'known'
}

/** The device's row is locked, so that several at once are counted one after the other. */
async function insertCertificate(pool: Pool, certificate: PresentedCertificate): Promise<CertificateOutcome> {
  return inTransaction(pool, async (db) => {
    const { deviceId, fingerprint } = certificate
    await db.query('SELECT FROM device WHERE id = $1 FOR UPDATE', [deviceId])
    const found = await findCertificate(db, certificate)
    if (found !== 'new') return found
    const { rowCount } = await db.query(
      `INSERT INTO device_credential (device_id, hash, kind) SELECT $1, $2, 'certificate'
       WHERE (SELECT count(*) FROM device_credential
         WHERE device_id = $1 AND kind = 'certificate' AND revoked_at IS NULL) < $3`,
      [deviceId, fingerprint, limits.certificates.activePerDeviceMax],
    )
    return rowCount === 1 ? 'known' : 'full'
  })
}

/** Devices that were disabled or deleted, or had a credential revoked, not longer ago than this. */
export async function findLosersSince(db: Queryable, agoMs: number): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>(
    `SELECT id FROM device WHERE disabled_at > now() - $1 * interval '1 millisecond'
     UNION SELECT device_id FROM device_credential WHERE revoked_at > now() - $1 * interval '1 millisecond'
     UNION SELECT device_id FROM device_deletion WHERE requested_at > now() - $1 * interval '1 millisecond'`,
    [agoMs],
  )
  return rows.map(({ id }) => id)
}

/** Of these ids, the registered devices that may connect. */
export async function enabledDevices(db: Queryable, deviceIds: string[]): Promise<Set<string>> {
  const { rows } = await db.query<{ id: string }>(
    'SELECT id FROM device WHERE id = ANY($1) AND disabled_at IS NULL',
    [deviceIds],
  )
  return new Set(rows.map(({ id }) => id))
}
