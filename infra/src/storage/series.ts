import { limits } from '../limits.ts'
import type { Queryable } from './pool.ts'

export type SeriesKind = 'number' | 'boolean' | 'string'

export interface Series {
  id: number
  kind: SeriesKind
  /** Has rows in both tables: numbers and text. */
  mixed: boolean
}

export interface SeriesWanted {
  deviceId: string
  metric: string
  kind: SeriesKind
}

/**
 * The ids of series, made when new. A boolean series that meets a number becomes a number series; one that meets
 * text after numbers, or numbers after text, is marked as mixed.
 * @returns in the order asked; undefined where the device is gone or has too many metrics already
 */
export async function resolveSeries(db: Queryable, wanted: SeriesWanted[]): Promise<(Series | undefined)[]> {
  const { rows } = await db.query<{ id: number | null; kind: SeriesKind; mixed: boolean }>(
    `WITH wanted AS (
       SELECT * FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS w (device_id, metric, kind, n)
     ), room AS (
       SELECT d.id, $4 - (SELECT count(*) FROM series s WHERE s.device_id = d.id) AS free
       FROM device d WHERE d.id IN (SELECT device_id FROM wanted)
     ), fresh AS (
       SELECT DISTINCT ON (device_id, metric) w.* FROM wanted w
       WHERE NOT EXISTS (SELECT 1 FROM series s WHERE s.device_id = w.device_id AND s.metric = w.metric)
       ORDER BY device_id, metric, n
     ), admitted AS (
       SELECT f.* FROM (SELECT *, row_number() OVER (PARTITION BY device_id ORDER BY n) AS place FROM fresh) f
       JOIN room r ON r.id = f.device_id WHERE f.place <= r.free
     ), made AS (
       -- Ids grow in the order the device sent its metrics, which is the order people see them in.
       INSERT INTO series (device_id, metric, kind) SELECT device_id, metric, kind FROM admitted ORDER BY n
       ON CONFLICT (device_id, metric) DO UPDATE SET kind = series.kind
       RETURNING id, device_id, metric, kind
     ), widened AS (
       UPDATE series s SET
         kind = CASE WHEN s.kind = 'boolean' AND w.kind = 'number' THEN 'number' ELSE s.kind END,
         mixed = s.mixed OR (s.kind = 'string') <> (w.kind = 'string')
       FROM wanted w
       WHERE s.device_id = w.device_id AND s.metric = w.metric
         AND (s.kind = 'boolean' AND w.kind = 'number'
           OR NOT s.mixed AND (s.kind = 'string') <> (w.kind = 'string'))
       RETURNING s.id, s.kind, s.mixed
     )
     SELECT coalesce(s.id, m.id) AS id,
       coalesce(c.kind, s.kind, m.kind) AS kind, coalesce(c.mixed, s.mixed, false) AS mixed
     FROM wanted w
     LEFT JOIN series s ON s.device_id = w.device_id AND s.metric = w.metric
     LEFT JOIN widened c ON c.id = s.id
     LEFT JOIN made m ON m.device_id = w.device_id AND m.metric = w.metric
     ORDER BY w.n`,
    [
      wanted.map((series) => series.deviceId),
      wanted.map((series) => series.metric),
      wanted.map((series) => series.kind),
      limits.series.perDeviceMax,
    ],
  )
  return rows.map(({ id, kind, mixed }) => (id === null ? undefined : { id, kind, mixed }))
}
