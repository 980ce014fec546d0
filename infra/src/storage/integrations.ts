import { hashSecret, newSecret } from '../secrets.ts'
import type { Queryable } from './pool.ts'

/** MQTT user name of an integration: tells it from a device, whose id never begins like this. */
export const integrationUsername = (name: string) => `@${name}`

export interface IntegrationRecord {
  name: string
  username: string
  read: boolean
  write: boolean
  createdBy: string
  createdAt: string
  lastConnectedAt: string | null
}

interface IntegrationRow {
  name: string
  read: boolean
  write: boolean
  created_by: string
  created_at: Date
  connected_at: Date | null
}

const COLUMNS = 'name, read, write, created_by, created_at, connected_at'

/** The answer holds the only copy of the secret. Undefined when the name is taken. */
export async function createIntegration(
  db: Queryable,
  integration: { name: string; read: boolean; write: boolean; createdBy: string },
): Promise<(IntegrationRecord & { secret: string }) | undefined> {
  const secret = newSecret()
  const { rows } = await db.query<IntegrationRow>(
    `INSERT INTO integration (name, hash, read, write, created_by) VALUES ($1, $2, $3, $4, $5)
     ON CONFLICT DO NOTHING RETURNING ${COLUMNS}`,
    [integration.name, hashSecret(secret), integration.read, integration.write, integration.createdBy],
  )
  return rows[0] && { ...toIntegration(rows[0]), secret }
}

/** By name. */
export async function listIntegrations(
  db: Queryable,
  /** `after` is the name a previous page ended with. */
  page: { limit: number; after?: string | undefined },
): Promise<IntegrationRecord[]> {
  const { rows } = await db.query<IntegrationRow>(
    `SELECT ${COLUMNS} FROM integration WHERE $1::text IS NULL OR name > $1 ORDER BY name LIMIT $2`,
    [page.after ?? null, page.limit],
  )
  return rows.map(toIntegration)
}

/** False when there is none. Its name can be used again at once, with another secret. */
export async function deleteIntegration(db: Queryable, name: string): Promise<boolean> {
  const { rowCount } = await db.query('DELETE FROM integration WHERE name = $1', [name])
  return rowCount === 1
}

/** What the broker needs to know of an integration that wants to connect. */
export interface IntegrationAccess {
  read: boolean
  write: boolean
  /** SHA-256 of its secret. */
  hash: Buffer
}

export async function findIntegration(db: Queryable, name: string): Promise<IntegrationAccess | undefined> {
  const { rows } = await db.query<IntegrationAccess>({
    name: 'find-integration',
    text: 'SELECT read, write, hash FROM integration WHERE name = $1',
    values: [name],
  })
  return rows[0]
}

/** Of the given connections, those whose secret is no longer good: the integration was deleted, or made again since. */
export async function findRevokedIntegrations(
  db: Queryable,
  inUse: { name: string; hash: Buffer }[],
): Promise<{ name: string; hash: Buffer }[]> {
  const { rows } = await db.query<{ name: string; hash: Buffer }>(
    `SELECT DISTINCT used.name, used.hash FROM unnest($1::text[], $2::bytea[]) AS used (name, hash)
     WHERE NOT EXISTS (SELECT FROM integration i WHERE i.name = used.name AND i.hash = used.hash)`,
    [inUse.map(({ name }) => name), inUse.map(({ hash }) => hash)],
  )
  return rows
}

/** Once a minute at most: a client that reconnects all the time does not write all the time. */
export async function noteIntegrationConnected(db: Queryable, name: string): Promise<void> {
  await db.query(
    `UPDATE integration SET connected_at = now()
     WHERE name = $1 AND coalesce(connected_at < now() - interval '1 minute', true)`,
    [name],
  )
}

function toIntegration(row: IntegrationRow): IntegrationRecord {
  return {
    name: row.name,
    username: integrationUsername(row.name),
    read: row.read,
    write: row.write,
    createdBy: row.created_by,
    createdAt: row.created_at.toISOString(),
    lastConnectedAt: row.connected_at?.toISOString() ?? null,
  }
}
