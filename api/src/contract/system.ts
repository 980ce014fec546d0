import { Type } from 'typebox'
import { EpochMs } from './common.ts'

const MaybeEpochMs = Type.Union([EpochMs, Type.Null()])

/** At most a minute old. */
const StorageReport = Type.Object({
  engine: Type.Union([Type.Literal('timescale'), Type.Literal('plain')]),
  serverVersion: Type.String(),
  extensionVersion: Type.Union([Type.String(), Type.Null()]),
  durability: Type.Record(Type.String(), Type.String()),
  databaseBytes: Type.Number(),
  bytes: Type.Object({ readings: Type.Number(), rollups: Type.Number() }),
  compression: Type.Union([
    Type.Object({
      beforeBytes: Type.Number(),
      afterBytes: Type.Number(),
      ratio: Type.Union([Type.Number(), Type.Null()]),
      chunks: Type.Integer(),
      chunksCompressed: Type.Integer(),
    }),
    Type.Null(),
  ]),
  oldestReading: MaybeEpochMs,
  newestReading: MaybeEpochMs,
  rollups: Type.Array(Type.Object({ level: Type.String(), doneUntil: MaybeEpochMs })),
  lateRanges: Type.Integer({ description: 'ranges of late readings that rollups do not hold yet' }),
  deletionsOpen: Type.Integer({ description: 'deleted devices whose readings are still being removed' }),
  jobs: Type.Array(Type.Object({ name: Type.String(), lastSuccess: MaybeEpochMs, ok: Type.Boolean() })),
})

/** `GET /readyz?verbose`, also what the System page shows. */
export const Readiness = Type.Object({
  ready: Type.Boolean(),
  version: Type.String(),
  checks: Type.Array(
    Type.Object({ name: Type.String(), ok: Type.Boolean(), detail: Type.Optional(Type.String()) }),
  ),
  storage: Type.Optional(StorageReport),
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
