import { Type } from 'typebox'
import { Instant, Role } from './common.ts'

const MaybeInstant = Type.Union([Instant, Type.Null()])

/** Plain letters only: no two names look alike, and none can hide what it is. */
export const Username = Type.String({
  pattern: '^[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}$',
  description: '1 to 64 letters, digits and . _ @ + -, a letter or digit first; unique in whatever case',
})

/** Its rules need the user name too, so they are checked by the route and answered with `weak_password`. */
export const NewPassword = Type.String({
  minLength: 1,
  maxLength: 256,
  description: 'at least 10 characters; neither the user name nor one of the most common passwords',
})

export const User = Type.Object({
  id: Type.String({ format: 'uuid' }),
  username: Type.String(),
  role: Role,
  createdAt: Instant,
  signedInAt: MaybeInstant,
  disabledAt: MaybeInstant,
  hasPassword: Type.Boolean({ description: 'without one, only a link signs in' }),
  sessions: Type.Integer({ minimum: 0, description: 'signed-in browsers' }),
  linkUntil: Type.Union([Instant, Type.Null()], { description: 'until when a link that was made signs in' }),
})
export type User = Type.Static<typeof User>

/** Signs in once; shown this once only. `path` follows the address of the dashboard. */
export const SignInLink = Type.Object({ path: Type.String(), expiresAt: Instant })
export type SignInLink = Type.Static<typeof SignInLink>

export const UserWithLink = Type.Intersect([
  User,
  Type.Object({ link: Type.Union([SignInLink, Type.Null()]) }),
])
export type UserWithLink = Type.Static<typeof UserWithLink>

export const NewUser = Type.Object(
  { username: Username, role: Role, password: Type.Optional(NewPassword) },
  { additionalProperties: false },
)
export type NewUser = Type.Static<typeof NewUser>

export const UserChange = Type.Object(
  {
    role: Type.Optional(Role),
    disabled: Type.Optional(Type.Boolean()),
    reset: Type.Optional(
      Type.Literal(true, { description: 'forgets the password, ends the sessions, makes a new link' }),
    ),
  },
  { additionalProperties: false, minProperties: 1 },
)
export type UserChange = Type.Static<typeof UserChange>

export const PasswordChange = Type.Object(
  {
    current: Type.Optional(
      Type.String({ maxLength: 256, description: 'not needed when the session has just begun with a link' }),
    ),
    password: NewPassword,
  },
  { additionalProperties: false },
)
export type PasswordChange = Type.Static<typeof PasswordChange>

/** A signed-in browser of one's own. */
export const OwnSession = Type.Object({
  id: Type.String({ format: 'uuid' }),
  createdAt: Instant,
  usedAt: Type.String({ format: 'date-time', description: 'RFC 3339, UTC; exact to the minute' }),
  expiresAt: Instant,
  address: Type.Union([Type.String(), Type.Null()]),
  userAgent: Type.Union([Type.String(), Type.Null()]),
  isCurrent: Type.Boolean(),
})
export type OwnSession = Type.Static<typeof OwnSession>
