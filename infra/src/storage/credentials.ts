import type { Queryable } from './pool.ts'

/** What the broker needs to know of a device that wants to connect. */
export interface DeviceCredentials {
  disabled: boolean
  /** SHA-256 of each active secret. */
  hashes: Buffer[]
}

/** @returns undefined for a device nobody registered */
export async function findDeviceCredentials(
  db: Queryable,
  deviceId: string,
): Promise<DeviceCredentials | undefined> {
  const { rows } = await db.query<{ disabled: boolean; hashes: Buffer[] }>({
    name: 'find-device-credentials',
    text: `SELECT d.disabled_at IS NOT NULL AS disabled,
             coalesce(array_agg(c.hash) FILTER (WHERE c.revoked_at IS NULL AND c.hash IS NOT NULL), '{}') AS hashes
           FROM device d LEFT JOIN device_credential c ON c.device_id = d.id
           WHERE d.id = $1 GROUP BY d.id`,
    values: [deviceId],
  })
  return rows[0]
}

/** Of the given connections, the devices whose secret is no longer good: revoked, disabled or deleted. */
export async function findRevoked(
  db: Queryable,
  inUse: { deviceId: string; hash: Buffer }[],
): Promise<string[]> {
  const { rows } = await db.query<{ device_id: string }>(
    `SELECT used.device_id FROM unnest($1::text[], $2::bytea[]) AS used (device_id, hash)
     WHERE NOT EXISTS (
       SELECT 1 FROM device d JOIN device_credential c ON c.device_id = d.id
       WHERE d.id = used.device_id AND d.disabled_at IS NULL AND c.hash = used.hash AND c.revoked_at IS NULL)`,
    [inUse.map(({ deviceId }) => deviceId), inUse.map(({ hash }) => hash)],
  )
  return rows.map((row) => row.device_id)
}
