import { type TSchema, Type } from 'typebox'
import { Check } from 'typebox/value'
import { ProblemError } from './problems.ts'

/** A time in a sort key, written by toISOString; anything else may be a time that PostgreSQL does not have. */
export const CursorTime = Type.String({
  format: 'date-time',
  pattern: '^[1-9]\\d{3}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}\\.\\d{3}Z$',
})

/** Opaque to clients: the sort key of the last row of a page. */
function encodeCursor(key: unknown): string {
  return Buffer.from(JSON.stringify(key)).toString('base64url')
}

/** @throws ProblemError invalid_cursor when it is not one of ours */
export function decodeCursor<T>(cursor: string | undefined, schema: TSchema): T | undefined {
  if (cursor === undefined) return undefined
  try {
    const key: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString())
    if (Check(schema, key)) return key as T
  } catch {
    // Not JSON: the same answer as a wrong key.
  }
  throw new ProblemError('invalid_cursor')
}

/** A page from `limit + 1` rows: the extra row only says that there is more. */
export function toPage<T, R>(
  rows: T[],
  limit: number,
  use: { item: (row: T) => R; key: (row: T) => unknown },
) {
  const shown = rows.slice(0, limit)
  const last = shown.at(-1)
  const nextCursor = rows.length > limit && last !== undefined ? encodeCursor(use.key(last)) : null
  return { items: shown.map(use.item), nextCursor }
}
