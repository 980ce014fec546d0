import { Type } from 'typebox'
import { EpochMs } from './common.ts'

const MaybeEpochMs = Type.Union([EpochMs, Type.Null()])

/** What a broker keeps on its own disk while the database does not answer. */
export const Spool = Type.Object({
  state: Type.Union(
    [Type.Literal('empty'), Type.Literal('taking'), Type.Literal('replaying'), Type.Literal('full')],
    {
      description:
        'taking: messages are kept here and acknowledged; replaying: they are being stored; full: publishers are held up',
    },
  ),
  refusal: Type.Optional(
    Type.Union([Type.Literal('full'), Type.Literal('disk_full'), Type.Literal('failed')], {
      description: 'why it is full: all it may take is used, its disk has too little room left, or fails',
    }),
  ),
  messages: Type.Integer({ description: 'that wait to be stored' }),
  words: Type.Optional(Type.Integer({ description: 'of them, replies and status words' })),
  bytes: Type.Number(),
  bytesMax: Type.Number(),
  oldestAt: MaybeEpochMs,
  spooledTotal: Type.Integer({ description: 'messages kept here since the broker started' }),
  replayedTotal: Type.Integer({ description: 'messages brought from here into the database since then' }),
  damagedBytes: Type.Number({ description: 'of what cannot be read any more and was set aside' }),
})
export type Spool = Type.Static<typeof Spool>

const MaybeSpool = Type.Union([Spool, Type.Null()], { description: 'null: an older broker does not say' })

/** At most a minute old. */
const StorageReport = Type.Object({
  engine: Type.Union([Type.Literal('timescale'), Type.Literal('plain')]),
  serverVersion: Type.String(),
  extensionVersion: Type.Union([Type.String(), Type.Null()]),
  durability: Type.Record(Type.String(), Type.String()),
  durabilityJudged: Type.Array(
    Type.Object({
      name: Type.String(),
      value: Type.String(),
      means: Type.String({ description: 'what this value promises or puts at risk' }),
      holds: Type.Boolean({ description: 'false: what was acknowledged can be lost when the machine fails' }),
      isUnusual: Type.Boolean({ description: 'it holds, but is worth a warning' }),
    }),
  ),
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
  spool: Type.Union([Spool, Type.Null()], {
    description: 'of all brokers together; null: none tells of one',
  }),
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
        spool: MaybeSpool,
      }),
    ),
  ),
})
export type Readiness = Type.Static<typeof Readiness>

const Connections = Type.Object({
  listener: Type.Union([Type.Literal('tcp'), Type.Literal('tls'), Type.Literal('ws')]),
  who: Type.Union([Type.Literal('device'), Type.Literal('integration')]),
  count: Type.Integer(),
})

/** `GET /system`: what the parts of the platform say of themselves. */
export const SystemNow = Type.Object({
  api: Type.Object({
    startedAt: EpochMs,
    version: Type.String(),
    nodeVersion: Type.String(),
    rssBytes: Type.Number(),
    liveConnections: Type.Integer({ description: 'streams, polls and sockets open at this API' }),
  }),
  brokers: Type.Array(
    Type.Object({
      brokerId: Type.String(),
      startedAt: EpochMs,
      nodeVersion: Type.Union([Type.String(), Type.Null()]),
      aedesVersion: Type.Union([Type.String(), Type.Null()]),
      rssBytes: Type.Union([Type.Number(), Type.Null()]),
      connections: Type.Array(Connections),
      acknowledged: Type.Union([Type.Integer(), Type.Null()], {
        description:
          'messages with readings whose PUBACK or PUBREC was written; null: an older broker does not say',
      }),
      stored: Type.Integer({
        description: 'messages stored, those rejected and kept with the reason among them',
      }),
      spool: MaybeSpool,
      rejected: Type.Integer(),
    }),
  ),
  history: Type.Object(
    {
      everyMs: Type.Integer(),
      from: EpochMs,
      messagesPerSecond: Type.Array(Type.Union([Type.Number(), Type.Null()])),
      readingsPerSecond: Type.Array(Type.Union([Type.Number(), Type.Null()])),
      commitP50Ms: Type.Array(Type.Union([Type.Number(), Type.Null()])),
      commitP99Ms: Type.Array(Type.Union([Type.Number(), Type.Null()])),
    },
    { description: 'of the last half hour, as this API has seen it; null: no broker told anything' },
  ),
})
export type SystemNow = Type.Static<typeof SystemNow>

/** `GET /system/rejected`: of the last day, by kind of reason. */
export const RejectedSummary = Type.Object({
  total: Type.Integer(),
  isCapped: Type.Boolean({ description: 'there were more; only the newest are counted' }),
  kinds: Type.Array(
    Type.Object({
      kind: Type.String(),
      count: Type.Integer(),
      newestAt: EpochMs,
      devices: Type.Integer(),
      mostlyFrom: Type.Object({ id: Type.String(), name: Type.String() }),
      example: Type.String({ description: 'the newest reason, word for word' }),
    }),
  ),
})
export type RejectedSummary = Type.Static<typeof RejectedSummary>
