import { Type } from 'typebox'
import { Instant, PageQuery } from './common.ts'

const AuditResult = Type.Union([Type.Literal('ok'), Type.Literal('failed')])
const Name = (description: string) =>
  Type.Optional(Type.String({ minLength: 1, maxLength: 256, description }))

/** Who did what, from where. Targets are names, so they say something after what they name is gone. */
export const AuditEntry = Type.Object({
  id: Type.Integer(),
  at: Instant,
  actor: Type.String({ description: 'a user name, `token:{name}`, or `-` when nobody was signed in' }),
  action: Type.String({ description: '`noun.verb`, such as `device.create`' }),
  target: Type.Union([Type.String(), Type.Null()]),
  detail: Type.Union([Type.Record(Type.String(), Type.Unknown()), Type.Null()]),
  result: AuditResult,
  address: Type.Union([Type.String(), Type.Null()]),
})
export type AuditEntry = Type.Static<typeof AuditEntry>

const Moment = (description: string) =>
  Type.Optional(Type.String({ maxLength: 64, description: `${description}: RFC 3339, epoch ms, or now-1d` }))

export const AuditQuery = Type.Intersect([
  PageQuery,
  Type.Object({
    actor: Name('in whatever case'),
    action: Name('`device.create`, or `device` for all of them'),
    target: Name('exactly'),
    result: Type.Optional(AuditResult),
    from: Moment('not before'),
    to: Moment('before'),
  }),
])
export type AuditQuery = Type.Static<typeof AuditQuery>
