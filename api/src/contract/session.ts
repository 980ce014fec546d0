import { Type } from 'typebox'
import { Instant, Role } from './common.ts'

/** Sign in with a password, or with the one-time link `npm start` prints. */
export const SignIn = Type.Union([
  Type.Object(
    {
      username: Type.String({ minLength: 1, maxLength: 64 }),
      password: Type.String({ minLength: 1, maxLength: 256 }),
    },
    { additionalProperties: false },
  ),
  Type.Object({ link: Type.String({ minLength: 1, maxLength: 128 }) }, { additionalProperties: false }),
])
export type SignIn = Type.Static<typeof SignIn>

export const Session = Type.Object({
  user: Type.Object({ username: Type.String(), role: Role }),
  expiresAt: Instant,
  passwordState: Type.Optional(
    Type.Union([Type.Literal('missing'), Type.Literal('replaceable'), Type.Literal('set')], {
      description:
        'missing: choose one; replaceable: begun with a link, the current one is not asked for. Tokens have none',
    }),
  ),
  /** What the dashboard needs to tell a person how to connect a device. */
  mqtt: Type.Object({ host: Type.String(), port: Type.Integer() }),
  version: Type.String(),
})
export type Session = Type.Static<typeof Session>
