import { Type } from 'typebox'
import { EpochMs } from './common.ts'

/** `GET /readyz?verbose`, also what the System page shows. */
export const Readiness = Type.Object({
  ready: Type.Boolean(),
  version: Type.String(),
  checks: Type.Array(
    Type.Object({ name: Type.String(), ok: Type.Boolean(), detail: Type.Optional(Type.String()) }),
  ),
  storage: Type.Optional(
    Type.Object({
      engine: Type.Union([Type.Literal('timescale'), Type.Literal('plain')]),
      serverVersion: Type.String(),
      durability: Type.Record(Type.String(), Type.String()),
    }),
  ),
  brokers: Type.Optional(
    Type.Array(
      Type.Object({
        brokerId: Type.String(),
        startedAt: EpochMs,
        connections: Type.Integer(),
        messagesPerSecond: Type.Number(),
        readingsTotal: Type.Integer(),
        rejectedTotal: Type.Integer(),
        conflictsTotal: Type.Integer(),
        commitP99Ms: Type.Union([Type.Number(), Type.Null()]),
        pendingRows: Type.Integer(),
      }),
    ),
  ),
})
export type Readiness = Type.Static<typeof Readiness>
