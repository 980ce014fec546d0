import { Type } from 'typebox'
import { Instant, Role } from './common.ts'

export const Token = Type.Object({
  id: Type.String({ format: 'uuid' }),
  name: Type.String(),
  role: Role,
  createdBy: Type.String(),
  createdAt: Instant,
  expiresAt: Type.Union([Instant, Type.Null()]),
  usedAt: Type.Union([Instant, Type.Null()]),
})
export type Token = Type.Static<typeof Token>

export const NewToken = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 128 }),
    role: Role,
    expiresAt: Type.Optional(Instant),
  },
  { additionalProperties: false },
)
export type NewToken = Type.Static<typeof NewToken>

/** `token` is shown this once only. */
export const TokenCreated = Type.Intersect([Token, Type.Object({ token: Type.String() })])
export type TokenCreated = Type.Static<typeof TokenCreated>
