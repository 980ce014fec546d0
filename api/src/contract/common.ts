import { Type } from 'typebox'

/** Contract: RFC 3339 UTC for record times, epoch milliseconds for points on a time axis. */
export const Instant = Type.String({ format: 'date-time', description: 'RFC 3339, UTC' })
export const EpochMs = Type.Integer({ description: 'epoch milliseconds' })
export const DeviceId = Type.String({ pattern: '^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}$' })
export const Value = Type.Union([Type.Number(), Type.Boolean(), Type.String()])
export const Role = Type.Union([Type.Literal('viewer'), Type.Literal('operator'), Type.Literal('admin')])
export type Role = Type.Static<typeof Role>

/** RFC 9457. `code` is stable; `detail` says what to do next. */
export const Problem = Type.Object({
  type: Type.String(),
  title: Type.String(),
  status: Type.Integer(),
  code: Type.String(),
  detail: Type.Optional(Type.String()),
  requestId: Type.String(),
  errors: Type.Optional(Type.Array(Type.Object({ path: Type.String(), message: Type.String() }))),
})
export type Problem = Type.Static<typeof Problem>

export const PageQuery = Type.Object({
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200, default: 50 })),
  cursor: Type.Optional(Type.String({ maxLength: 512 })),
})

export function Page<T extends Type.TSchema>(item: T) {
  return Type.Object({ items: Type.Array(item), nextCursor: Type.Union([Type.String(), Type.Null()]) })
}
