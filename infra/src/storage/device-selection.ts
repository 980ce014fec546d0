import { PRESENCE_JOIN, type PresenceStatus } from './presence.ts'

/** Which devices: all conditions together; none means every device. */
export interface DeviceSelection {
  ids?: string[] | undefined
  /** Any part of the id or the name, in whatever case. */
  q?: string | undefined
  status?: PresenceStatus | undefined
  /** One, or several with commas between them: the device has all of them. */
  tag?: string | undefined
  type?: string | undefined
}

/** Every selected `device d`, with its presence as `p`. The first parameters of the query are selectionValues. */
export const FROM_SELECTED_DEVICES = `
  FROM device d ${PRESENCE_JOIN}
  WHERE ($1::text[] IS NULL OR d.id = ANY($1))
    AND ($2::text IS NULL OR d.id ILIKE $2 OR d.name ILIKE $2)
    AND ($3::text IS NULL OR p.status = $3)
    AND ($4::text[] IS NULL OR d.tags @> $4)
    AND ($5::text IS NULL OR d.type = $5)`

/** $1 to $5 of FROM_SELECTED_DEVICES. */
export function selectionValues({ ids, q, status, tag, type }: DeviceSelection): unknown[] {
  const pattern = q === undefined ? null : `%${q.replace(/[\\%_]/g, '\\$&')}%`
  return [ids ?? null, pattern, status ?? null, tag?.split(',') ?? null, type ?? null]
}
