import { limits } from '../limits.ts'
import { type DeviceSelection, FROM_SELECTED_DEVICES, selectionValues } from './device-selection.ts'
import { inTransaction, type Pool } from './pool.ts'

/** What is done to every selected device. */
export interface DevicesChange {
  addTags: string[]
  removeTags: string[]
  /** Undefined: stays as it is. */
  disabled: boolean | undefined
  /** The selection may match no more than this. */
  devicesMax: number | undefined
  /** A device has no more tags than this. */
  tagsMax: number
}

export type DevicesChanged =
  | {
      outcome: 'changed'
      matching: number
      changed: number
      /** Devices left as they were: they would have too many tags. */
      refused: number
      /** Those that were enabled and are disabled now, or the other way round. */
      switchedIds: string[]
    }
  | { outcome: 'no_devices' | 'too_many' | 'more_now'; matching: number }

/** All of them or, when something fails, none. Rows are taken in order of id, so two changes at once wait. */
export function changeDevices(
  pool: Pool,
  selection: DeviceSelection,
  change: DevicesChange,
): Promise<DevicesChanged> {
  const most = limits.fleet.changeDevicesMax
  return inTransaction(pool, async (db) => {
    const selected = await db.query<{ id: string }>(
      `SELECT d.id ${FROM_SELECTED_DEVICES} ORDER BY d.id LIMIT $6 FOR UPDATE OF d`,
      [...selectionValues(selection), most + 1],
    )
    const ids = selected.rows.map(({ id }) => id)
    const matching = ids.length
    if (matching === 0) return { outcome: 'no_devices', matching }
    if (matching > most) return { outcome: 'too_many', matching }
    if (matching > (change.devicesMax ?? most)) return { outcome: 'more_now', matching }
    const { rows } = await db.query<{ id: string; refused: boolean; switched: boolean }>(
      `WITH wanted AS (
         SELECT id, tags AS old_tags, disabled_at AS old_disabled_at, ARRAY(
           SELECT tag FROM unnest(tags) WITH ORDINALITY AS own (tag, n) WHERE tag <> ALL ($3::text[])
           UNION ALL
           SELECT tag FROM unnest($2::text[]) AS added (tag) WHERE tag <> ALL (tags)
         ) AS new_tags,
         CASE $4::boolean WHEN true THEN coalesce(disabled_at, now()) WHEN false THEN NULL ELSE disabled_at END
           AS new_disabled_at
         FROM device WHERE id = ANY($1)
       ), changed AS (
         UPDATE device d SET tags = w.new_tags, disabled_at = w.new_disabled_at FROM wanted w
         WHERE w.id = d.id AND cardinality(w.new_tags) <= greatest($5, cardinality(w.old_tags))
           AND (w.new_tags, w.new_disabled_at) IS DISTINCT FROM (w.old_tags, w.old_disabled_at)
         RETURNING d.id, false AS refused, (w.old_disabled_at IS NULL) <> (w.new_disabled_at IS NULL) AS switched
       )
       SELECT * FROM changed
       UNION ALL
       SELECT id, true, false FROM wanted WHERE cardinality(new_tags) > greatest($5, cardinality(old_tags))`,
      [ids, change.addTags, change.removeTags, change.disabled ?? null, change.tagsMax],
    )
    const refused = rows.filter((row) => row.refused).length
    const switchedIds = rows.filter((row) => row.switched).map(({ id }) => id)
    return { outcome: 'changed', matching, changed: rows.length - refused, refused, switchedIds }
  })
}
