import type { Queryable } from './pool.ts'

export interface DeviceTypeRecord {
  name: string
  label: string | null
  /** By name, in the order they were given; `api/src/contract/types.ts` has their shape. */
  metrics: Record<string, object>
  commands: Record<string, object>
  /** How many devices name this type. */
  devices: number
  updatedAt: string
  updatedBy: string
}

export type NewDeviceType = Pick<DeviceTypeRecord, 'name' | 'label' | 'metrics' | 'commands' | 'updatedBy'>

interface DeviceTypeRow {
  name: string
  label: string | null
  /** JSON. */
  metrics: string
  commands: string
  devices: number
  updated_at: Date
  updated_by: string
}

const COLUMNS = `t.name, t.label, t.metrics, t.commands, t.updated_at, t.updated_by,
  (SELECT count(*)::int FROM device d WHERE d.type = t.name) AS devices`

/** By name. */
export async function listDeviceTypes(
  db: Queryable,
  /** `after` is the name a previous page ended with. */
  page: { limit: number; after?: string | undefined },
): Promise<DeviceTypeRecord[]> {
  const { rows } = await db.query<DeviceTypeRow>(
    `SELECT ${COLUMNS} FROM device_type t WHERE $1::text IS NULL OR t.name > $1 ORDER BY t.name LIMIT $2`,
    [page.after ?? null, page.limit],
  )
  return rows.map(toDeviceType)
}

export async function getDeviceType(db: Queryable, name: string): Promise<DeviceTypeRecord | undefined> {
  const { rows } = await db.query<DeviceTypeRow>(`SELECT ${COLUMNS} FROM device_type t WHERE t.name = $1`, [
    name,
  ])
  return rows[0] && toDeviceType(rows[0])
}

/** Creates or replaces as a whole. */
export async function putDeviceType(
  db: Queryable,
  type: NewDeviceType,
): Promise<{ type: DeviceTypeRecord; isNew: boolean }> {
  // A row that this statement inserted has no earlier version: its xmax is 0.
  const { rows } = await db.query<DeviceTypeRow & { isNew: boolean }>(
    `WITH t AS (
       INSERT INTO device_type (name, label, metrics, commands, updated_by) VALUES ($1, $2, $3, $4, $5)
       ON CONFLICT (name) DO UPDATE SET label = excluded.label, metrics = excluded.metrics,
         commands = excluded.commands, updated_by = excluded.updated_by, updated_at = now()
       RETURNING *, xmax = 0 AS "isNew"
     )
     SELECT ${COLUMNS}, t."isNew" FROM t`,
    [type.name, type.label, JSON.stringify(type.metrics), JSON.stringify(type.commands), type.updatedBy],
  )
  const row = rows[0] as DeviceTypeRow & { isNew: boolean }
  return { type: toDeviceType(row), isNew: row.isNew }
}

/** False when there is none. Its devices keep the name. */
export async function deleteDeviceType(db: Queryable, name: string): Promise<boolean> {
  const { rowCount } = await db.query('DELETE FROM device_type WHERE name = $1', [name])
  return rowCount === 1
}

/** The JSON Schema, as text, that a command's params must fit. Undefined when there is none. */
export async function findParamsSchema(
  db: Queryable,
  command: { deviceType: string; name: string },
): Promise<string | undefined> {
  const { rows } = await db.query<{ schema: string | null }>({
    name: 'find-params-schema',
    text: `SELECT (commands::json -> $2 -> 'params')::text AS schema FROM device_type WHERE name = $1`,
    values: [command.deviceType, command.name],
  })
  return rows[0]?.schema ?? undefined
}

function toDeviceType(row: DeviceTypeRow): DeviceTypeRecord {
  return {
    name: row.name,
    label: row.label,
    metrics: JSON.parse(row.metrics) as Record<string, object>,
    commands: JSON.parse(row.commands) as Record<string, object>,
    devices: row.devices,
    updatedAt: row.updated_at.toISOString(),
    updatedBy: row.updated_by,
  }
}
