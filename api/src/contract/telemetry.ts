import { Type } from 'typebox'
import { EpochMs, Instant, Value } from './common.ts'

export const ReadingsQuery = Type.Object({
  metrics: Type.Optional(Type.String({ description: 'comma-separated; every metric when absent' })),
  from: Type.Optional(Type.String({ default: 'now-15m', description: 'RFC 3339, epoch ms or now-15m' })),
  to: Type.Optional(Type.String({ default: 'now' })),
  bucket: Type.Optional(Type.String({ default: 'auto', description: 'auto, raw, or 10s, 1m, 1h …' })),
  maxPoints: Type.Optional(Type.Integer({ minimum: 10, maximum: 10_000, default: 500 })),
})
export type ReadingsQuery = Type.Static<typeof ReadingsQuery>

/** Columns line up with `t` (bucket starts); null where a series has no reading in a bucket. */
const BucketColumns = Type.Object({
  kind: Type.Union([Type.Literal('number'), Type.Literal('boolean')]),
  avg: Type.Array(Type.Union([Type.Number(), Type.Null()])),
  min: Type.Array(Type.Union([Type.Number(), Type.Null()])),
  max: Type.Array(Type.Union([Type.Number(), Type.Null()])),
  count: Type.Array(Type.Integer()),
})
/**
 * One series on its own axis; text series always come like this: as the times their value changed. A metric that
 * changed its type has values of both; `kind` is the first.
 */
const RawColumns = Type.Object({
  kind: Type.Union([Type.Literal('number'), Type.Literal('boolean'), Type.Literal('string')]),
  t: Type.Array(EpochMs),
  value: Type.Array(Value),
})

/**
 * `source: raw` gives RawColumns for every series; otherwise text series only. Of a metric that changed its type,
 * buckets hold the numbers. `truncated`: the newest fit.
 */
export const Readings = Type.Object({
  deviceId: Type.String(),
  from: EpochMs,
  to: EpochMs,
  bucketMs: Type.Union([Type.Integer(), Type.Null()]),
  source: Type.String({ description: 'raw, or the rollup the buckets were made from' }),
  truncated: Type.Boolean(),
  t: Type.Array(EpochMs),
  series: Type.Record(Type.String(), Type.Union([BucketColumns, RawColumns])),
})
export type Readings = Type.Static<typeof Readings>
export type BucketColumns = Type.Static<typeof BucketColumns>
export type RawColumns = Type.Static<typeof RawColumns>

export const RejectedMessage = Type.Object({
  id: Type.String(),
  receivedAt: Instant,
  topic: Type.String(),
  reason: Type.String(),
  payload: Type.String({ description: 'at most 4 KiB, bytes that are not text shown as \\xNN' }),
  payloadBytes: Type.Integer(),
})
export type RejectedMessage = Type.Static<typeof RejectedMessage>
