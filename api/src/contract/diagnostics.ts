import { Type } from 'typebox'
import { Instant } from './common.ts'

const MaybeText = Type.Union([Type.String(), Type.Null()])

/** A refused or ended connection, or a limit that was hit. The same one again within ten minutes counts up. */
const problem = {
  id: Type.String(),
  at: Type.String({ format: 'date-time', description: 'RFC 3339, UTC: when it happened last' }),
  firstAt: Instant,
  count: Type.Integer({ minimum: 1 }),
  code: Type.String({ description: 'stable; one of a closed list' }),
  cause: Type.String({ description: 'what happened and what to do, in words' }),
  detail: Type.String({ description: 'what was particular about the last time; may be empty' }),
  address: MaybeText,
  clientId: MaybeText,
  limit: Type.Optional(
    Type.Object({
      name: Type.String(),
      value: Type.Number({ description: 'what was met' }),
      allowed: Type.Number(),
    }),
  ),
}
export const ConnectionProblem = Type.Object(problem)
export type ConnectionProblem = Type.Static<typeof ConnectionProblem>

/** Newest first. */
export const DeviceDiagnostics = Type.Object({ items: Type.Array(ConnectionProblem) })
export type DeviceDiagnostics = Type.Static<typeof DeviceDiagnostics>

export const FleetProblem = Type.Object({
  deviceId: Type.Union([Type.String(), Type.Null()], {
    description: 'the user name as the client gave it; null when it gave none',
  }),
  registered: Type.Boolean({ description: 'whether there is a device of that id' }),
  ...problem,
})
export type FleetProblem = Type.Static<typeof FleetProblem>
