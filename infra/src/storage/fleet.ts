import { limits } from '../limits.ts'
import { type DeviceSelection, FROM_SELECTED_DEVICES, selectionValues } from './device-selection.ts'
import type { Queryable } from './pool.ts'
import type { PresenceStatus } from './presence.ts'

/** Every selected device in order of id, with what a lamp shows: one letter each, so that ten thousand are light. */
export interface FleetIndex {
  ids: string[]
  /** A letter for each id: `o` online, `s` silent, `x` offline, `n` never seen, `d` disabled. */
  states: string
  /** There are more than could be listed. */
  truncated: boolean
}

const STATE_LETTER = `CASE WHEN d.disabled_at IS NOT NULL THEN 'd' ELSE
  CASE p.status WHEN 'online' THEN 'o' WHEN 'silent' THEN 's' WHEN 'offline' THEN 'x' ELSE 'n' END END`

export async function readFleetIndex(db: Queryable, selection: DeviceSelection): Promise<FleetIndex> {
  const most = limits.fleet.indexDevicesMax
  const { rows } = await db.query<{ ids: string[] | null; states: string | null }>(
    `SELECT array_agg(id ORDER BY id) AS ids, string_agg(state, '' ORDER BY id) AS states FROM (
       SELECT d.id, ${STATE_LETTER} AS state ${FROM_SELECTED_DEVICES} ORDER BY d.id LIMIT $6
     ) AS selected`,
    [...selectionValues(selection), most + 1],
  )
  const ids = rows[0]?.ids ?? []
  const states = rows[0]?.states ?? ''
  return { ids: ids.slice(0, most), states: states.slice(0, most), truncated: ids.length > most }
}

export interface FacetCount {
  name: string
  count: number
}

/** How many devices one more press on a facet would leave. */
export interface FleetFacets {
  /** What the selection matches now. */
  matching: number
  /** Of one status at a time: counted as if none was chosen. */
  status: Record<PresenceStatus, number>
  /** Of all tags together: counted among what is chosen. Most used first. */
  tags: FacetCount[]
  /** Of one type at a time. */
  types: FacetCount[]
}

/** One look at every device that the words match; a facet leaves out its own condition where one replaces another. */
export async function readFacets(
  db: Queryable,
  { status, tag, type, ...words }: DeviceSelection,
): Promise<FleetFacets> {
  const { rows } = await db.query<{ facet: keyof FleetFacets; name: string; count: number }>(
    `WITH found AS MATERIALIZED (
       SELECT d.tags, d.type, p.status, $6::text IS NULL OR p.status = $6 AS of_status,
         $7::text[] IS NULL OR d.tags @> $7 AS of_tags, $8::text IS NULL OR coalesce(d.type = $8, false) AS of_type
       ${FROM_SELECTED_DEVICES}
     )
     SELECT 'matching' AS facet, '' AS name, count(*) FROM found WHERE of_status AND of_tags AND of_type
     UNION ALL
     SELECT 'status', status, count(*) FROM found WHERE of_tags AND of_type GROUP BY status
     UNION ALL
     (SELECT 'types', type, count(*) FROM found WHERE of_status AND of_tags AND type IS NOT NULL
      GROUP BY type ORDER BY count(*) DESC, type LIMIT $9)
     UNION ALL
     (SELECT 'tags', tag, count(*) FROM found CROSS JOIN LATERAL unnest(tags) AS tag
      WHERE of_status AND of_tags AND of_type AND tag IS NOT NULL
      GROUP BY tag ORDER BY count(*) DESC, tag LIMIT $9)`,
    [
      ...selectionValues(words),
      status ?? null,
      tag?.split(',') ?? null,
      type ?? null,
      limits.fleet.facetNamesMax,
    ],
  )
  const facets: FleetFacets = {
    ...{ matching: 0, tags: [], types: [] },
    status: { online: 0, silent: 0, offline: 0, never: 0 },
  }
  for (const { facet, name, count } of rows) {
    if (facet === 'matching') facets.matching = count
    else if (facet === 'status') facets.status[name as PresenceStatus] = count
    else facets[facet].push({ name, count })
  }
  return facets
}

/** The first metric of each device that is a number, in the order it sends them. */
export async function firstNumberSeries(
  db: Queryable,
  deviceIds: string[],
): Promise<{ id: number; deviceId: string; metric: string }[]> {
  const { rows } = await db.query(
    `SELECT DISTINCT ON (device_id) id, device_id AS "deviceId", metric FROM series
     WHERE device_id = ANY($1::text[]) AND kind = 'number' ORDER BY device_id, id`,
    [deviceIds],
  )
  return rows
}
